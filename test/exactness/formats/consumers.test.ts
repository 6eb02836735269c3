import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, beforeAll, expect, test } from "vitest";

import type { ExportFormat } from "../../../src/api/export-request.ts";
import { exportDatabase } from "../../support/dump-database.ts";
import { nodeSqliteSource, openPlatformDatabase } from "../../support/node-sqlite-source.ts";
import { hasShell } from "../../support/restore-dump.ts";

const folder = mkdtempSync(join(tmpdir(), "formats-"));
const db = openPlatformDatabase();

beforeAll(() => {
  db.exec(`CREATE TABLE people(id INTEGER PRIMARY KEY, name TEXT, big INTEGER, score REAL, photo BLOB, "a ""note""" TEXT);
    INSERT INTO people VALUES
      (1, 'Ada', 9223372036854775807, 0.30000000000000004, X'00FF', 'two
lines, a "quote"'),
      (2, '', -9007199254740993, 1e300, X'', NULL),
      (3, NULL, NULL, NULL, NULL, '🦋 = ''x'''),
      (-4, '=1+1', 0, -5e-324, X'41', 'a\\b	c');
    CREATE TABLE nobody(id INTEGER PRIMARY KEY, name TEXT);`);
});

afterAll(() => {
  db.close();
  rmSync(folder, { recursive: true });
});

async function fileOf(
  format: ExportFormat,
  table: string,
): Promise<{ path: string; text: string }> {
  const { files } = await exportDatabase(nodeSqliteSource(db), undefined, { format });
  const file = files.find((each) => each.table === table);
  const path = join(folder, file?.name ?? "");
  writeFileSync(path, file?.bytes ?? "");
  return { path, text: new TextDecoder().decode(file?.bytes) };
}

test("CSV is RFC 4180 with a header, and tells NULL, the empty text and numbers apart", async () => {
  const { text } = await fileOf("csv", "people");
  expect(text).toBe(
    [
      '"id","name","big","score","photo","a ""note"""',
      '-4,"=1+1",0,-4.9406564584124654e-324,"41","a\\b\tc"',
      '1,"Ada",9223372036854775807,0.30000000000000004,"00FF","two\nlines, a ""quote"""',
      '2,"",-9007199254740993,1.0e+300,"",',
      "3,,,,,\"🦋 = 'x'\"",
      "",
    ].join("\r\n"),
  );
});

test("an empty table is a header, an empty array, or no line", async () => {
  expect((await fileOf("csv", "nobody")).text).toBe('"id","name"\r\n');
  expect((await fileOf("json", "nobody")).text).toBe("[]\n");
  expect((await fileOf("ndjson", "nobody")).text).toBe("");
});

test("JSON is one array of objects, NDJSON one object a line", async () => {
  const lines = [
    '{"id":-4,"name":"=1+1","big":0,"score":-4.9406564584124654e-324,"photo":"41","a \\"note\\"":"a\\\\b\\tc"}',
    '{"id":1,"name":"Ada","big":9223372036854775807,"score":0.30000000000000004,"photo":"00FF","a \\"note\\"":"two\\nlines, a \\"quote\\""}',
    '{"id":2,"name":"","big":-9007199254740993,"score":1.0e+300,"photo":"","a \\"note\\"":null}',
    '{"id":3,"name":null,"big":null,"score":null,"photo":null,"a \\"note\\"":"🦋 = \'x\'"}',
  ];
  expect((await fileOf("json", "people")).text).toBe(`[\n${lines.join(",\n")}\n]\n`);
  expect((await fileOf("ndjson", "people")).text).toBe(`${lines.join("\n")}\n`);
});

const DUCKDB_ROWS = [
  [-4, "=1+1", 0n, -5e-324, "41", "a\\b\tc"],
  [1, "Ada", 9223372036854775807n, 0.30000000000000004, "00FF", 'two\nlines, a "quote"'],
  [2, "", -9007199254740993n, 1e300, "", null],
  [3, null, null, null, null, "🦋 = 'x'"],
];
const COLUMNS = `{id: 'INTEGER', name: 'VARCHAR', big: 'BIGINT', score: 'DOUBLE', photo: 'VARCHAR', 'a "note"': 'VARCHAR'}`;

test.each([
  [
    "csv",
    (path: string) =>
      `read_csv('${path}', header = true, allow_quoted_nulls = false, columns = ${COLUMNS})`,
  ],
  ["json", (path: string) => `read_json('${path}', columns = ${COLUMNS})`],
  [
    "ndjson",
    (path: string) => `read_json('${path}', format = 'newline_delimited', columns = ${COLUMNS})`,
  ],
] as const)("DuckDB reads every value of %s", async (format, from) => {
  const { path } = await fileOf(format, "people");
  const connection = await (await DuckDBInstance.create(":memory:")).connect();
  const result = await connection.runAndReadAll(`SELECT * FROM ${from(path)} ORDER BY id`);
  expect(result.getRows()).toEqual(DUCKDB_ROWS);
  const blobs = await connection.runAndReadAll(
    `SELECT unhex(photo) FROM ${from(path)} WHERE id = 1`,
  );
  expect(blobs.getRows()[0]?.[0]).toMatchObject({ bytes: Buffer.from([0, 255]) });
  connection.closeSync();
});

test.runIf(hasShell())("SQLite's .import reads every value that CSV can tell", async () => {
  const { path } = await fileOf("csv", "people");
  const target = join(folder, "imported.db");
  const schema =
    "CREATE TABLE people(id INTEGER PRIMARY KEY, name TEXT, big INTEGER, score REAL, photo TEXT, note TEXT);";
  execFileSync("sqlite3", [target], {
    input: `${schema}\n.import --csv --skip 1 ${path} people\n`,
  });
  const imported = new DatabaseSync(target);
  const rows = imported
    .prepare("SELECT id, name, quote(big) AS big, score, photo, note FROM people ORDER BY id")
    .all()
    .map((row) => Object.values(row));
  imported.close();
  // It has no NULL: an empty field is an empty text.
  expect(rows).toEqual([
    [-4, "=1+1", "0", -5e-324, "41", "a\\b\tc"],
    [1, "Ada", "9223372036854775807", 0.30000000000000004, "00FF", 'two\nlines, a "quote"'],
    [2, "", "-9007199254740993", 1e300, "", ""],
    [3, "", "''", "", "", "🦋 = 'x'"],
  ]);
});

test("text that is no UTF-8 becomes U+FFFD, counted, and what was U+FFFD before is not", async () => {
  const bad = openPlatformDatabase();
  bad.exec(
    "CREATE TABLE t(a TEXT); INSERT INTO t VALUES (CAST(X'61FF62C328' AS TEXT)), ('\uFFFD'), (CAST(X'610062' AS TEXT))",
  );
  for (const [format, text] of [
    ["csv", '"a"\r\n"a\uFFFDb\uFFFD("\r\n"\uFFFD"\r\n"a\0b"\r\n'],
    ["ndjson", '{"a":"a\uFFFDb\uFFFD("}\n{"a":"\uFFFD"}\n{"a":"a\\u0000b"}\n'],
  ] as const) {
    const whole = await exportDatabase(nodeSqliteSource(bad), undefined, { format });
    expect(new TextDecoder().decode(whole.files[0]?.bytes)).toBe(text);
    expect(whole.replacements).toBe(2);
  }
  bad.close();
});

test("says which columns and tables it leaves out", async () => {
  const odd = openPlatformDatabase();
  odd.exec(`CREATE TABLE t(a, b AS (a + 1), c AS (a + 2) STORED);
    CREATE VIRTUAL TABLE f USING fts5(x, content=''); CREATE VIRTUAL TABLE g USING fts5(x, content='t');
    CREATE VIRTUAL TABLE h USING fts5(x); INSERT INTO h VALUES ('words')`);
  const whole = await exportDatabase(nodeSqliteSource(odd), undefined, { format: "json" });
  expect(whole.files.map(({ name }) => name)).toEqual(["t.json", "h.json"]);
  expect(whole.warnings).toEqual([
    'table "f" is left out: it keeps no content of its own',
    'table "g" is left out: it keeps no content of its own: its rows are those of "t"',
    'generated columns of table "t" are left out: "b", "c"',
  ]);
  odd.close();
});
