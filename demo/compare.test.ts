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
      mendedTexts: 0,
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
    ["a missing counter", "DELETE FROM sqlite_sequence"],
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

  test("finds other options of an FTS5 table", async () => {
    const { examples } = await compareWithChange(
      "INSERT INTO f(f, rank) VALUES ('rank', 'bm25(2.0)')",
      "CREATE VIRTUAL TABLE f USING fts5(a)",
    );
    expect(examples).toEqual(["f has other options: rank = 'bm25(2.0)' instead of none"]);
  });

  test("finds other words in an FTS5 index that does not record its rows", async () => {
    const index =
      "CREATE VIRTUAL TABLE f USING fts5(text, content=notes, columnsize=0); INSERT INTO f(f) VALUES ('rebuild')";
    const change =
      "INSERT INTO f(f) VALUES ('delete-all'); INSERT INTO f(rowid, text) VALUES (3, 'a'), (8, 'b')";
    expect((await compareWithChange("", index)).differences).toBe(0);
    expect((await compareWithChange(change, index)).examples).toEqual([
      "f indexes 2 rows and 2 words instead of 2 rows and 1 words",
    ]);
  });

  test("shows only the start of a long definition", async () => {
    const { examples } = await compareWithChange(
      `DROP VIEW names; CREATE VIEW names AS SELECT '${"x".repeat(1_000)}'`,
    );
    expect(examples[0]?.length).toBeLessThan(500);
  });

  test("takes no counter of an unknown table for a difference", async () => {
    const { differences } = await compareWithChange(
      "DELETE FROM sqlite_sequence WHERE name <> 'cities'",
      "INSERT INTO sqlite_sequence VALUES ('gone', 5), (NULL, 1)",
    );
    expect(differences).toBe(0);
  });

  test("compares rows whose rowids are hidden in any order", async () => {
    const rows = ["(1, 'a', X'00')", "(1.0, 'a', X'00')", "(NULL, 'b', -0.0)", "(NULL, 'b', 0.0)"];
    const table = "CREATE TABLE hiding (rowid, _rowid_, oid);";
    const insert = (list: string[]) => `INSERT INTO hiding VALUES ${list.join(", ")}`;
    const other = `DELETE FROM hiding; ${insert(rows.toReversed())}`;
    expect((await compareWithChange(other, table + insert(rows))).examples).toEqual([]);
    const changed = `${other}; UPDATE hiding SET oid = X'01' WHERE typeof(rowid) = 'real'`;
    expect((await compareWithChange(changed, table + insert(rows))).differences).toBe(1);
  });
});

describe("compareDatabases between UTF-16 and UTF-8", () => {
  // Their order differs between the bytes of UTF-16le and those of UTF-8.
  const words = ["z", "ü", "日本", "\u{1F600}", "\uFF01", "a", "Ā", "aa", "a\0b"];

  async function compareWords(change = "") {
    const databases = ["UTF-16le", "UTF-8"].map((encoding) => {
      const db = new DatabaseSync(":memory:");
      db.exec(`PRAGMA encoding = '${encoding}';
        CREATE TABLE keyed (word TEXT COLLATE NOCASE PRIMARY KEY, n) WITHOUT ROWID;`);
      const insert = db.prepare("INSERT INTO keyed VALUES (?, ?)");
      for (const [index, word] of words.entries()) insert.run(word, index);
      return db;
    });
    const [expected, actual] = databases as [DatabaseSync, DatabaseSync];
    expected.exec("INSERT INTO keyed VALUES ('mended', CAST(X'410000D8' AS TEXT))");
    actual.exec(`INSERT INTO keyed VALUES ('mended', 'A\uFFFD'); ${change}`);
    return compareDatabases(expected, actual, {
      leftOut: new Set(),
      onRows: () => undefined,
      signal: new AbortController().signal,
    });
  }

  test("finds no difference in the order of keys, and counts texts that UTF-8 cannot hold", async () => {
    const { examples, rows, mendedTexts } = await compareWords();
    expect({ examples, rows, mendedTexts }).toEqual({ examples: [], rows: 10, mendedTexts: 1 });
  });

  test("shows a text that differs in its own encoding", async () => {
    const { examples } = await compareWords("UPDATE keyed SET word = '日本!' WHERE word = '日本'");
    expect(examples).toEqual(['keyed row 9 word: text "日本!" instead of text "日本"']);
  });
});
