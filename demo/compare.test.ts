import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import { compareDatabases } from "./compare.ts";

const SCHEMA = `
  CREATE TABLE cities (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, height);
  CREATE TABLE notes (text);
  CREATE INDEX cities_by_name ON cities(name);
  CREATE VIEW names AS SELECT name FROM cities;
  INSERT INTO cities(name, height) VALUES ('Bern', 540.0), ('Uri', X'00FF'), ('Ürkmez', 9007199254740993);
  INSERT INTO notes(rowid, text) VALUES (3, 'a'), (8, NULL);
`;

async function compareWithChange(change: string, more = "") {
  const expected = new DatabaseSync(":memory:");
  const actual = new DatabaseSync(":memory:");
  expected.exec(SCHEMA + more);
  actual.exec(SCHEMA + more);
  actual.exec(change);
  return compareDatabases(expected, actual, {
    leftOut: new Set(),
    onRows: () => undefined,
    signal: new AbortController().signal,
  });
}

describe("compareDatabases", () => {
  test("finds no difference between equal databases, and counts what it compared", async () => {
    expect(await compareWithChange("")).toEqual({
      tables: 2,
      rows: 5,
      values: 13,
      objects: 4,
      differences: 0,
      examples: [],
      withoutContent: [],
    });
  });

  test.each([
    ["a REAL that became an integer", "UPDATE cities SET height = 540 WHERE id = 1"],
    ["a BLOB that became text", "UPDATE cities SET height = '00FF' WHERE id = 2"],
    ["text that became a BLOB of its bytes", "UPDATE notes SET text = CAST(text AS BLOB)"],
    ["an integer rounded to a double", "UPDATE cities SET height = 9007199254740992 WHERE id = 3"],
    ["one other character", "UPDATE cities SET name = 'Urkmez' WHERE id = 3"],
    ["text cut at a NUL", "UPDATE notes SET text = 'a' || char(0) WHERE text = 'a'"],
    ["NULL that became empty text", "UPDATE notes SET text = '' WHERE text IS NULL"],
    ["another rowid", "UPDATE notes SET rowid = 9 WHERE rowid = 8"],
    ["a missing row", "DELETE FROM notes WHERE rowid = 8"],
    ["a row too many", "INSERT INTO notes VALUES ('b')"],
    ["another AUTOINCREMENT sequence", "UPDATE sqlite_sequence SET seq = 99"],
    ["a missing table", "DROP TABLE notes"],
    ["a table too many", "CREATE TABLE more (a)"],
    ["a missing index", "DROP INDEX cities_by_name"],
    ["another view", "DROP VIEW names; CREATE VIEW names AS SELECT id FROM cities"],
    ["another column", "ALTER TABLE notes ADD COLUMN more"],
  ])("finds %s", async (_, change) => {
    const { differences, examples } = await compareWithChange(change);
    expect(differences).toBeGreaterThan(0);
    expect(examples).not.toEqual([]);
  });

  test("says what differs where", async () => {
    const { examples } = await compareWithChange("UPDATE cities SET height = 540 WHERE id = 1");
    expect(examples).toEqual(["cities row 1 height: integer 540 instead of real 540"]);
  });

  test.each([
    [
      "a missing row",
      "INSERT INTO f(f) VALUES ('delete-all')",
      "f indexes 0 rows instead of 2, 2 of which differ",
    ],
    [
      "other words",
      "INSERT INTO f(f) VALUES ('delete-all'); INSERT INTO f(rowid, text) VALUES (3, 'a'), (8, 'b')",
      "f indexes 2 rows instead of 2, 1 of which differ",
    ],
  ])("finds %s in an FTS5 index over another table", async (_, change, sentence) => {
    const index =
      "CREATE VIRTUAL TABLE f USING fts5(text, content=notes); INSERT INTO f(f) VALUES ('rebuild')";
    expect((await compareWithChange("", index)).differences).toBe(0);
    expect((await compareWithChange(change, index)).examples).toEqual([sentence]);
  });
});
