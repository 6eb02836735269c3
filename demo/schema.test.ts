import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import { readSchema } from "./schema.ts";

function databaseOf(sql: string): DatabaseSync {
  const db = new DatabaseSync(":memory:");
  db.exec(sql);
  return db;
}

describe("readSchema", () => {
  test("leaves out shadow tables, but no table that only looks like one", () => {
    const db = databaseOf(`
      CREATE TABLE docs_content (id INTEGER PRIMARY KEY, body);
      CREATE VIRTUAL TABLE docs USING fts5(body, content=docs_content, content_rowid=id);
      CREATE VIRTUAL TABLE own USING fts5(body);
      CREATE VIRTUAL TABLE boxes USING rtree(id, x0, x1);
    `);
    const names = readSchema(db).tables.map(({ name }) => name);
    expect(names).toEqual(["docs_content", "docs", "own", "boxes"]);
  });

  test.each([
    ["", "rows"],
    [", columnsize=0", "rows"],
    [", tokenize = 'trigram'", "rows"],
    [", content='t'", "rebuild"],
    [", cont = t, content_r = id", "rebuild"],
    [", content=''", "none"],
    [', c=""', "none"],
    [", content='', columnsize=0", "none"],
    [", content='', contentless_delete=1", "none"],
    [", content='', contentless_unindexed=1", "none"],
  ])("asks FTS5 what its options mean: (a, b UNINDEXED%s) has %s", (options, content) => {
    const db = databaseOf(`CREATE VIRTUAL TABLE f USING fts5(a, b UNINDEXED${options})`);
    expect(readSchema(db).tables[0]?.virtual).toEqual({ module: "fts5", content });
  });

  test("reads how the rows of a table are identified, and whether it counts them", () => {
    const db = databaseOf(`
      CREATE TABLE plain (a /* AUTOINCREMENT */ DEFAULT 'AUTOINCREMENT');
      CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT);
      CREATE TABLE keyed (k PRIMARY KEY) WITHOUT ROWID;
      CREATE TABLE hiding (rowid, _rowid_, oid);
      CREATE TABLE named (rowid INTEGER PRIMARY KEY, _rowid_, oid);
    `);
    const found = readSchema(db).tables.map(({ name, identity, isCounted }) => [
      name,
      identity,
      isCounted,
    ]);
    expect(found).toEqual([
      ["plain", "rowid", false],
      ["counted", "rowid", true],
      ["keyed", "key", false],
      ["hiding", "hidden-rowid", false],
      ["named", "rowid", false],
    ]);
  });

  test("lists a virtual table of an unknown module as left out", () => {
    const db = databaseOf("CREATE TABLE t (a)");
    db.enableDefensive(false);
    db.exec(`PRAGMA writable_schema = ON;
      INSERT INTO sqlite_schema VALUES ('table', 'v', 'v', 0, 'CREATE VIRTUAL TABLE v USING gone(a)');
      PRAGMA writable_schema = RESET`);
    const { tables, leftOut } = readSchema(db);
    expect(tables.map(({ name }) => name)).toEqual(["t"]);
    expect(leftOut).toEqual([{ name: "v", reason: "no such module: gone" }]);
  });

  test("refuses a definition that is not valid UTF-8, which JavaScript would read as another", () => {
    const db = databaseOf("CREATE TABLE t (a)");
    db.enableDefensive(false);
    db.exec(`PRAGMA writable_schema = ON; UPDATE sqlite_schema
      SET sql = CAST(CAST('CREATE TABLE t (a /* ' AS BLOB) || X'FF' || ' */)' AS TEXT)`);
    expect(() => readSchema(db)).toThrow("the definition of table t is not valid UTF-8");
  });
});
