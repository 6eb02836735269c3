import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openSourceFile, UnusableFile } from "./source-file.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "durable-export-source-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function databaseWith(sql: string): string {
  const path = join(folder, "source.sqlite");
  rmSync(path, { force: true });
  const db = new DatabaseSync(path);
  db.exec(sql);
  db.close();
  return path;
}

describe("openSourceFile", () => {
  test("reads what the file consists of", () => {
    const path = databaseWith(`
      CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT, b);
      INSERT INTO a(b) VALUES (1), (2);
      CREATE VIRTUAL TABLE own USING fts5(x);
      INSERT INTO own VALUES ('one');
      CREATE VIRTUAL TABLE other USING fts5(b, content='a', content_rowid='id');
      CREATE VIRTUAL TABLE contentless USING fts5(x, content='');
      CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; END;
      CREATE VIEW v AS SELECT b FROM a;
      CREATE INDEX i ON a(b);
      ANALYZE;
    `);
    const { schema, rowCounts, db } = openSourceFile(path);
    db.close();
    expect(schema.tables.map(({ name, virtual }) => [name, virtual?.content])).toEqual([
      ["a", undefined],
      ["own", "rows"],
      ["other", "rebuild"],
      ["contentless", "none"],
    ]);
    expect(schema.objects.map(({ name }) => name)).toEqual(["i", "v", "t"]);
    expect(schema.hasSequence).toBe(true);
    expect([...rowCounts]).toEqual([
      ["a", 2],
      ["own", 1],
    ]);
  });

  test("refuses a path that does not exist", () => {
    const path = join(folder, "missing.sqlite");
    expect(() => openSourceFile(path)).toThrow(new UnusableFile(`${path} does not exist`));
  });

  test("refuses a folder", () => {
    expect(() => openSourceFile(folder)).toThrow(/is not a file/);
  });

  test("refuses a file that is no database", () => {
    const path = join(folder, "text.sqlite");
    writeFileSync(path, "name,city\n");
    expect(() => openSourceFile(path)).toThrow(/is not an SQLite database/);
  });

  test("refuses a database whose pages are damaged", () => {
    const path = join(folder, "damaged.sqlite");
    writeFileSync(path, `SQLite format 3\0${"x".repeat(5000)}`);
    expect(() => openSourceFile(path)).toThrow(UnusableFile);
  });

  test.each([
    [
      "a row over 2 MB",
      "CREATE TABLE t (a, b); INSERT INTO t VALUES (zeroblob(1500000), zeroblob(600000))",
      "a row of 2100000 bytes",
    ],
    [
      "over 100 columns",
      `CREATE TABLE t (${Array.from({ length: 101 }, (_, n) => `c${n}`).join(",")})`,
      "101 columns",
    ],
    ["a name of the platform", "CREATE TABLE _cf_KV (a)", "_cf_KV is reserved"],
    [
      "a statement over 100,000 bytes",
      `CREATE VIEW v AS SELECT 1 /* ${"x".repeat(100_000)} */`,
      "at most 100000",
    ],
  ])("refuses %s, and names it", (_, sql, message) => {
    const path = databaseWith(sql);
    expect(() => openSourceFile(path)).toThrow(message);
  });
});
