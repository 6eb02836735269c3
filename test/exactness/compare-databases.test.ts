import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import { compareDatabases } from "../support/compare-databases.ts";

const SCRIPT = `
  CREATE TABLE t(a, r REAL);
  INSERT INTO t VALUES (1, 1.5), ('x', 2.0), (X'00', NULL), (0.0, 0.0), (CAST(X'6100' AS TEXT), 1e300), (9007199254740993, 1);
  CREATE TABLE w(k TEXT PRIMARY KEY, v) WITHOUT ROWID;
  INSERT INTO w VALUES ('a', 1);
  CREATE TABLE hidden(rowid, _rowid_, oid);
  INSERT INTO hidden VALUES (1, 2, 3), (4, 5, 6);
  CREATE TABLE counted(id INTEGER PRIMARY KEY AUTOINCREMENT);
  INSERT INTO counted VALUES (5);
  CREATE TABLE g(a, b AS (a + 1));
  INSERT INTO g VALUES (1);
  CREATE INDEX i ON t(a);
  CREATE VIRTUAL TABLE f USING fts5(body);
  INSERT INTO f VALUES ('words');
  CREATE VIRTUAL TABLE boxes USING rtree(id, x0, x1);
  INSERT INTO boxes VALUES (1, 0, 1);
`;

function databaseOf(...scripts: string[]): DatabaseSync {
  const db = new DatabaseSync(":memory:");
  for (const script of scripts) db.exec(script);
  return db;
}

describe("a comparison", () => {
  test("finds nothing between equal databases", () => {
    expect(compareDatabases(databaseOf(SCRIPT), databaseOf(SCRIPT))).toEqual([]);
  });

  test.each([
    ["a row is missing", "DELETE FROM t WHERE rowid = 2"],
    ["a row is too many", "INSERT INTO t VALUES (NULL, NULL)"],
    ["a rowid is another", "UPDATE t SET rowid = 99 WHERE rowid = 6"],
    ["an integer differs in its last bit", "UPDATE t SET a = 9007199254740992 WHERE rowid = 6"],
    ["an integer is a REAL", "UPDATE t SET a = 1.0 WHERE rowid = 1"],
    ["a REAL differs in its last bit", "UPDATE t SET r = 1.5000000000000002 WHERE rowid = 1"],
    ["a zero has a sign", "UPDATE t SET a = -0.0 WHERE rowid = 4"],
    ["text is a BLOB of the same bytes", "UPDATE t SET a = X'78' WHERE rowid = 2"],
    ["text lost what stood behind a NUL", "UPDATE t SET a = 'a' WHERE rowid = 5"],
    ["a BLOB differs", "UPDATE t SET a = X'01' WHERE rowid = 3"],
    ["a row without rowid differs", "UPDATE w SET v = 2"],
    ["a row without any name for its rowid differs", "UPDATE hidden SET oid = 7 WHERE oid = 6"],
    ["a counter differs", "UPDATE sqlite_sequence SET seq = 6"],
    ["an index is missing", "DROP INDEX i"],
    ["an index has another text", "DROP INDEX i; CREATE INDEX i ON t(a )"],
    ["a table is too many", "CREATE TABLE more(a)"],
    ["a row of an FTS5 table differs", "UPDATE f SET body = 'other'"],
    ["an option of an FTS5 table differs", "INSERT INTO f(f, rank) VALUES ('rank', 'bm25(2.0)')"],
    ["a row of an R-Tree differs", "UPDATE boxes SET x1 = 2"],
    [
      "a table is made otherwise",
      "DROP TABLE w; CREATE TABLE w(k TEXT PRIMARY KEY, v); INSERT INTO w VALUES ('a', 1)",
    ],
  ])("tells where %s", (_, change) => {
    const differences = compareDatabases(databaseOf(SCRIPT), databaseOf(SCRIPT, change));
    expect(differences.length).toBeGreaterThan(0);
  });
});
