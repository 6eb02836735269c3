import { globSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/**
 * Opens the files of a class's objects in the local state, by the objects' names. `folder` is the name of the Worker
 * and of the class. If the runtime still works, open them with `readOnly`.
 */
export function openObjects(
  state: string,
  folder: string,
  { readOnly = false } = {},
): Map<string, DatabaseSync> {
  const path = join(state, "v3", "do", folder);
  const files = readdirSync(path).filter((each) => /^[0-9a-f]{64}\.sqlite$/.test(each));
  return new Map(
    files.map((file) => {
      const db = new DatabaseSync(join(path, file), { readOnly });
      const row = db.prepare("SELECT * FROM __miniflare_do_name").get();
      return [
        Object.values(row ?? {})
          .map(String)
          .at(-1) ?? file,
        db,
      ];
    }),
  );
}

/**
 * Returns the keys of all objects in the local buckets of a stopped runtime, and those of open uploads with parts. A
 * runtime that is killed before an upload is recorded leaves one without parts, which R2 drops after a week.
 */
export function listBucket(state: string): { keys: string[]; uploads: string[] } {
  const folder = join(state, "v3", "r2", "miniflare-R2BucketObject");
  const listed = { keys: [] as string[], uploads: [] as string[] };
  for (const file of globSync("*.sqlite", { cwd: folder })) {
    if (file === "metadata.sqlite") continue;
    const db = new DatabaseSync(join(folder, file));
    const list = (sql: string): string[] =>
      db
        .prepare(sql)
        .all()
        .map(({ key }) => String(key));
    listed.keys.push(...list("SELECT key FROM _mf_objects"));
    listed.uploads.push(
      ...list(
        `SELECT key FROM _mf_multipart_uploads
         WHERE state = 0 AND upload_id IN (SELECT upload_id FROM _mf_multipart_parts)`,
      ),
    );
    db.close();
  }
  return listed;
}
