import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";

import { requireIndexedRows } from "./restored-indexes.ts";
import { restoreDump } from "./restore-dump.ts";
import { dumpDatabase } from "../test/support/dump-database.ts";
import { nodeSqliteSource, openPlatformDatabase } from "../test/support/node-sqlite-source.ts";

const folder = mkdtempSync(join(tmpdir(), "restored-indexes-"));
afterAll(() => rmSync(folder, { recursive: true }));

const NOTES = `
  CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT, hidden INT);
  CREATE VIRTUAL TABLE "n ""fts""" USING fts5(body, content='note', content_rowid='id');
  INSERT INTO note VALUES (1, 'red -- FTS5 index {"table":"x","totals":"05"}', 0), (2, 'blue
-- FTS5 index {"table":"y","totals":"05"}', 1), (3, 'green', 0);
  INSERT INTO "n ""fts"""(rowid, body) SELECT id, body FROM note WHERE NOT hidden;
`;

async function dumpOf(more = ""): Promise<string> {
  const db = openPlatformDatabase();
  db.exec(NOTES + more);
  return Buffer.from((await dumpDatabase(nodeSqliteSource(db))).bytes).toString();
}

async function indexesOf(dump: string) {
  const path = join(folder, "dump.sql");
  writeFileSync(path, dump);
  const { signal } = new AbortController();
  return (await restoreDump(path, [], { signal, onBytes: () => undefined })).indexes;
}

describe("a restored FTS5 index", () => {
  test("is found equal if it has the rows and words of the source's", async () => {
    expect(await indexesOf(await dumpOf())).toEqual([]);
  });

  test("is found to differ if it has more rows than the source's", async () => {
    const dump = (await dumpOf()).replace(/INSERT INTO "n ""fts"""\("n ""fts""",rowid[^;]*;\n/, "");
    const differences = await indexesOf(dump);
    const message =
      'FTS5 table "n \\"fts\\"" indexes 3 rows after the restore, but the source\'s index has 2';
    expect(differences).toMatchObject([{ kind: "rows", message }]);
    expect(() => requireIndexedRows(differences)).toThrow(message);
  });

  test("is found to differ in words only if the source indexed computed text", async () => {
    const more = `INSERT INTO "n ""fts"""("n ""fts""") VALUES ('delete-all');
      INSERT INTO "n ""fts"""(rowid, body) SELECT id, body || ' more' FROM note`;
    const differences = await indexesOf(await dumpOf(more));
    expect(differences).toMatchObject([{ kind: "words" }]);
    requireIndexedRows(differences);
  });

  test("is found equal if neither index was ever filled", async () => {
    const more = `DROP TABLE "n ""fts"""; CREATE VIRTUAL TABLE f USING fts5(body, content='note', content_rowid='id')`;
    expect(await indexesOf(await dumpOf(more))).toEqual([]);
  });
});
