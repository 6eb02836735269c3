import { ExportError } from "../api/errors.ts";
import { CODE_MIN, MIGRATIONS } from "./migrations.ts";

/**
 * Brings the job tables to the newest form, each migration in one transaction. Tables of a newer
 * version stay unchanged. Errors: `jobs-database-newer` if that version's tables need newer code
 * than this.
 */
export function migrate(storage: DurableObjectStorage): void {
  const { sql } = storage;
  sql.exec(
    "CREATE TABLE IF NOT EXISTS tmp_export_job_migrations (number INTEGER PRIMARY KEY) STRICT",
  );
  const row = sql
    .exec<{ done: number }>("SELECT count(*) AS done FROM tmp_export_job_migrations")
    .one();
  for (let number = row.done; number < MIGRATIONS.length; number += 1) {
    storage.transactionSync(() => {
      sql.exec(MIGRATIONS[number] as string);
      sql.exec("INSERT INTO tmp_export_job_migrations (number) VALUES (?)", number);
      if (number === MIGRATIONS.length - 1) {
        sql.exec("UPDATE tmp_export_job_migrations SET code_min = ?", CODE_MIN);
      }
    });
  }
  requireKnown(sql);
}

function requireKnown(sql: SqlStorage): void {
  const { code_min: codeMin } = sql
    .exec<{ code_min: number }>("SELECT max(code_min) AS code_min FROM tmp_export_job_migrations")
    .one();
  if (codeMin <= MIGRATIONS.length) return;
  throw new ExportError(
    "jobs-database-newer",
    `the job tables need a version with ${codeMin} migrations, and this one has ${MIGRATIONS.length}`,
  );
}
