import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";

/** Returns every value in the jobs database as text. */
export function readJobsDatabase(): Promise<string> {
  return runInDurableObject(env.EXPORT_JOBS.getByName("jobs"), (_, { storage }) => {
    const tables = storage.sql
      .exec<{ name: string }>(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 'tmp_export_%'",
      )
      .toArray();
    const rows = tables.flatMap(({ name }) =>
      storage.sql.exec(`SELECT * FROM "${name}"`).toArray(),
    );
    return JSON.stringify(rows, (_name, value: unknown) =>
      value instanceof ArrayBuffer ? new TextDecoder("latin1").decode(value) : value,
    );
  });
}
