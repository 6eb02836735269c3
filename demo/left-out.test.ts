import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { listLeftOut } from "./left-out.ts";
import { openSourceFile } from "./source-file.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "durable-export-left-out-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What a new database lacks of a file with this content. */
async function leftOutOf(sql: string): Promise<string[]> {
  const path = join(folder, "source.sqlite");
  for (const suffix of ["", "-wal", "-shm"]) rmSync(path + suffix, { force: true });
  const db = new DatabaseSync(path);
  db.exec(sql);
  db.close();
  const restored = new DatabaseSync(join(folder, "restored.sqlite"));
  const source = await openSourceFile(path);
  const found = listLeftOut(source, restored).map(({ name, reason }) => `${name}: ${reason}`);
  source.close();
  restored.close();
  return found;
}

const TABLE =
  "CREATE TABLE t (id INTEGER PRIMARY KEY, a); INSERT INTO t VALUES (1, 'x'), (2, 'y');";

test("lists nothing of a file that a dump contains whole", async () => {
  expect(
    await leftOutOf(`${TABLE} CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT);
      INSERT INTO counted VALUES (5); CREATE VIRTUAL TABLE f USING fts5(a);
      CREATE VIRTUAL TABLE contentless USING fts5(a, content='');`),
  ).toEqual([]);
});

test.each([
  [
    "user_version",
    "PRAGMA user_version = 7",
    "user_version: 7 (set it after a restore: PRAGMA user_version = 7)",
  ],
  [
    "application_id, without which a GeoPackage is none",
    "PRAGMA application_id = 1196444487",
    "application_id: 1196444487 (set it after a restore: PRAGMA application_id = 1196444487)",
  ],
  [
    "how the file is stored",
    `PRAGMA encoding = 'UTF-16be'; PRAGMA page_size = 512; PRAGMA auto_vacuum = 1; PRAGMA journal_mode = WAL; ${TABLE}`,
    "file settings: encoding UTF-16be (restored: UTF-8), page_size 512 (restored: 4096), auto_vacuum 1 (restored: 0), journal_mode wal (restored: delete)",
  ],
  [
    "statistics",
    `${TABLE} CREATE INDEX i ON t (a); ANALYZE`,
    "sqlite_stat1: the statistics (ANALYZE creates new ones)",
  ],
  [
    "counters of tables that count nothing",
    `CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO counted VALUES (5);
     INSERT INTO sqlite_sequence VALUES ('gone', 3), (NULL, 4), ('Counted', 5)`,
    "sqlite_sequence: 3 rows without a table that has AUTOINCREMENT",
  ],
  [
    "rowids that no name reaches",
    "CREATE TABLE h (rowid, _rowid_, oid); INSERT INTO h VALUES (1, 2, 3)",
    "h: its rowids (columns named rowid, _rowid_ and oid hide them)",
  ],
  [
    "the index of a contentless FTS5 table",
    "CREATE VIRTUAL TABLE f USING fts5(a, content='', columnsize=0); INSERT INTO f(rowid, a) VALUES (1, 'x'), (2, 'y')",
    "f: the index entries of 2 rows (a contentless table stores no text from which to rebuild them)",
  ],
  [
    "index entries that the content lacks",
    `${TABLE} CREATE VIRTUAL TABLE f USING fts5(a, content=t, content_rowid=id); INSERT INTO f(f) VALUES ('rebuild');
     DELETE FROM t WHERE id = 2`,
    "f: the index entries of 1 row that its content lacks",
  ],
  [
    "which rows an index has that does not record them",
    `${TABLE} CREATE VIRTUAL TABLE f USING fts5(a, content=t, content_rowid=id, columnsize=0);
     INSERT INTO f(rowid, a) VALUES (1, 'x')`,
    "f: that it indexes only 1 of 2 rows (with columnsize=0 it does not record which)",
  ],
])("lists %s", async (_, sql, sentence) => {
  expect(await leftOutOf(sql)).toEqual([sentence]);
});
