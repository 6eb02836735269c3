import { DatabaseSync } from "node:sqlite";
import { env } from "node:process";
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";

import { type Compression, CompressionSchema } from "../../../src/api/export-request.ts";
import { ParquetEncoder } from "../../../src/formats/parquet/parquet-encoder.ts";
import { writeFooter } from "../../../src/formats/parquet/footer.ts";
import { concatBytes, encodeUtf8 } from "../../../src/lib/bytes.ts";
import { listStoredColumns, type Table } from "../../../src/sqlite/catalog.ts";
import {
  exportDatabase,
  randomCutting,
  UNCUT,
  type WholeExport,
} from "../../support/dump-database.ts";
import { nodeSqliteSource, openPlatformDatabase } from "../../support/node-sqlite-source.ts";
import { buildDatabase, databaseArbitrary, scriptOf } from "../../support/random-database.ts";
import { ParquetReader, type ParquetRows, sqliteRows } from "../../support/read-parquet.ts";

const databases = Number(env["FORMATS_RUNS"] ?? 200);
const seed = Number(env["FORMATS_SEED"] ?? 20_261_129);

let reader: ParquetReader;

beforeAll(async () => {
  reader = await ParquetReader.open();
});

afterAll(() => reader.close());

/** Returns all tables of a database that `script` builds. Groups have about `groupBytes`. */
async function exportScript(
  script: string,
  {
    compression = "none",
    groupBytes = 100_000,
  }: { compression?: Compression; groupBytes?: number } = {},
): Promise<WholeExport> {
  const db = openPlatformDatabase();
  try {
    db.exec(script);
    const createEncoder = (table: Table, state: number | string) =>
      new ParquetEncoder(table, state, { compression, groupBytes });
    const cutting = { ...UNCUT, isChunkEnd: () => true, createEncoder };
    return await exportDatabase(nodeSqliteSource(db), cutting, { format: "parquet" });
  } finally {
    db.close();
  }
}

function fileOf(whole: WholeExport, table = "t"): Uint8Array {
  return whole.files.find((file) => file.table === table)?.bytes ?? new Uint8Array();
}

async function readScript(
  script: string,
  columns: readonly string[],
  options?: Parameters<typeof exportScript>[1],
): Promise<ParquetRows & { warnings: string[] }> {
  const whole = await exportScript(script, options);
  return { ...(await reader.read(fileOf(whole), columns)), warnings: whole.warnings };
}

test(`DuckDB reads every value of ${databases} random databases, wherever pages, groups and chunks end (seed ${seed})`, async () => {
  await fc.assert(
    fc.asyncProperty(
      databaseArbitrary,
      fc.nat(),
      fc.constantFrom(...CompressionSchema.options),
      fc.integer({ min: 1, max: 3_000 }),
      async (shape, cutting, compression, groupBytes) => {
        const db = openPlatformDatabase();
        try {
          buildDatabase(db, scriptOf(shape));
          const createEncoder = (table: Table, state: number | string) =>
            new ParquetEncoder(table, state, { compression, groupBytes });
          const whole = await exportDatabase(
            nodeSqliteSource(db),
            { ...randomCutting(cutting), createEncoder },
            { format: "parquet" },
          );
          expect(whole.replacements).toBe(0);
          for (const table of whole.catalog.tables) {
            const file = whole.files.find((each) => each.table === table.name);
            if (file === undefined) continue;
            const { rows } = await reader.read(
              file.bytes,
              listStoredColumns(table).map(({ name }) => name),
            );
            expect(sorted(rows)).toEqual(sorted(sqliteRows(db, table)));
          }
        } finally {
          db.close();
        }
      },
    ),
    { numRuns: databases, seed },
  );
});

test("gives columns the types of their values, whatever they are declared as", async () => {
  const { names, types, rows, warnings } = await readScript(
    `CREATE TABLE t(id INTEGER PRIMARY KEY, born DATE, price DECIMAL(10,2), n, data, name TEXT);
     INSERT INTO t VALUES (1, '2026-11-29', 2, 1, X'00', 'a'), (2, NULL, 2.5, -1, X'', 'é')`,
    ["id", "born", "price", "n", "data", "name"],
  );
  expect(names).toEqual(["id", "born", "price", "n", "data", "name"]);
  expect(types).toEqual(["BIGINT", "VARCHAR", "DOUBLE", "BIGINT", "BLOB", "VARCHAR"]);
  expect(rows).toEqual([
    ["number 1", "text 323032362d31312d3239", "number 2", "number 1", "blob 00", "text 61"],
    ["number 2", "NULL", "real 2.5", "number -1", "blob ", "text c3a9"],
  ]);
  expect(warnings).toEqual([]);
});

test("gives columns without values the types that they are declared as", async () => {
  const columns = "(i INT, r REAL, n NUMERIC, s TEXT, b BLOB, x)";
  const names = ["i", "r", "n", "s", "b", "x"];
  const types = ["BIGINT", "DOUBLE", "DOUBLE", "VARCHAR", "BLOB", "BLOB"];
  const empty = await readScript(`CREATE TABLE t${columns}`, names);
  expect(empty).toMatchObject({ types, rows: [] });
  const nulls = await readScript(`CREATE TABLE t${columns}; INSERT INTO t(i) VALUES (NULL)`, names);
  expect(nulls).toMatchObject({ types, rows: [Array.from({ length: 6 }, () => "NULL")] });
});

test("decides a type by the first group that has values, even if it is the last", async () => {
  const whole = await exportScript(
    `CREATE TABLE t(id INTEGER PRIMARY KEY, late DATETIME, pad BLOB);
     INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
     SELECT i, iif(i > 1990, 'soon', NULL), zeroblob(500) FROM n`,
  );
  const { types, rows } = await reader.read(fileOf(whole), ["id", "late", "pad"]);
  expect(types).toEqual(["BIGINT", "VARCHAR", "BLOB"]);
  expect(rows.map((row) => row[1])).toEqual([
    ...Array.from({ length: 1990 }, () => "NULL"),
    ...Array.from({ length: 10 }, () => "text 736f6f6e"),
  ]);
  const groups = await reader.query(
    fileOf(whole),
    "SELECT DISTINCT row_group_id FROM parquet_metadata(FILE)",
  );
  expect(groups.length).toBeGreaterThan(5);
});

test("keeps values of other types in another column, and warns of them", async () => {
  const whole = await exportScript(
    `CREATE TABLE t(n INTEGER, name TEXT, other_values TEXT);
     INSERT INTO t VALUES (1, 'a', ''), (2, CAST(X'61FF' AS TEXT), ''), ('x', X'00FF', ''), (1.5, 'b', NULL)`,
  );
  expect(await reader.query(fileOf(whole), "SELECT * FROM FILE")).toEqual([
    [1, "a", "", null],
    [2, null, "", '{"name":{"text":"61FF"}}'],
    [null, null, "", '{"n":"x","name":{"blob":"00FF"}}'],
    [1.5, "b", null, null],
  ]);
  expect(whole.warnings).toEqual([
    'column "n" of table "t" is DOUBLE: its other values are NULL, and column "other_values_" contains them',
    'column "name" of table "t" is UTF8: its other values are NULL, and column "other_values_" contains them',
  ]);
});

test("holds integers at their ends, infinities, the smallest reals and negative zeros", async () => {
  const { types, rows } = await readScript(
    `CREATE TABLE t(i INTEGER, r REAL, x);
     INSERT INTO t VALUES (9223372036854775807, 9e999, -0.0), (-9223372036854775808, -9e999, 9007199254740993),
       (-999999999999999, -5e-324, 9007199254740992), (1000000000000000, 1.7976931348623157e308, 0.1)`,
    ["i", "r", "x"],
  );
  expect(types).toEqual(["BIGINT", "DOUBLE", "DOUBLE", "VARCHAR"]);
  expect(rows).toEqual([
    ["number 9223372036854775807", "real Infinity", "real -0"],
    ["number -9223372036854775808", "real -Infinity", "number 9007199254740993"],
    ["number -999999999999999", "real -5e-324", "number 9007199254740992"],
    ["number 1000000000000000", "real 1.7976931348623157e+308", "real 0.1"],
  ]);
});

test("writes tables of 100 columns, WITHOUT ROWID tables, and rows larger than a page", async () => {
  const columns = Array.from({ length: 100 }, (_, at) => `c${at}`);
  const whole = await exportScript(
    `CREATE TABLE wide(${columns.join(", ")});
     INSERT INTO wide VALUES (${columns.map((_, at) => at).join(", ")});
     CREATE TABLE keyed(k TEXT, n INT, v REAL, PRIMARY KEY (k, n DESC)) WITHOUT ROWID;
     INSERT INTO keyed VALUES ('a', 1, 0.5), ('a', 2, NULL), ('b', 1, 2);
     CREATE TABLE long(id INTEGER PRIMARY KEY, b BLOB, t TEXT, r REAL, n);
     INSERT INTO long VALUES (1, zeroblob(900000), replace(hex(zeroblob(550000)), '00', 'é'), 2.5, 7)`,
  );
  const wide = await reader.read(fileOf(whole, "wide"), columns);
  expect(wide.names).toEqual(columns);
  expect(wide.rows).toEqual([columns.map((_, at) => `number ${at}`)]);
  const keyed = await reader.read(fileOf(whole, "keyed"), ["k", "n", "v"]);
  expect(keyed.rows).toEqual([
    ["text 61", "number 2", "NULL"],
    ["text 61", "number 1", "real 0.5"],
    ["text 62", "number 1", "number 2"],
  ]);
  expect(
    await reader.query(
      fileOf(whole, "long"),
      "SELECT id, octet_length(b), length(t), r, n FROM FILE",
    ),
  ).toEqual([[1n, 900_000n, 550_000n, 2.5, 7n]]);
});

test.each([
  ["none", "UNCOMPRESSED"],
  ["gzip", "GZIP"],
  ["zstd", "ZSTD"],
] as const)("compresses the columns by %s, and not the file", async (compression, codec) => {
  const script = `CREATE TABLE t(s TEXT);
    INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
    SELECT 'row ' || i FROM n`;
  const whole = await exportScript(script, { compression });
  expect(whole.files.map(({ name }) => name)).toEqual(["t.parquet"]);
  const found = await reader.query(
    fileOf(whole),
    "SELECT DISTINCT compression, encodings FROM parquet_metadata(FILE)",
  );
  expect(found).toEqual([[codec, "PLAIN, RLE"]]);
  expect(await reader.query(fileOf(whole), "SELECT count(DISTINCT s), max(s) FROM FILE")).toEqual([
    [5_000n, "row 999"],
  ]);
});

test("masks columns", async () => {
  const db = new DatabaseSync(":memory:");
  db.exec(`CREATE TABLE t(id INTEGER PRIMARY KEY, email TEXT, phone TEXT, name TEXT, pay INTEGER);
    INSERT INTO t VALUES (1, 'secret@x', '555', 'Secret 7', 100), (2, X'5345', NULL, CAST(X'53FF' AS TEXT), 'secret')`);
  const mask = {
    t: { email: { template: "u{id}" }, phone: "null", name: "length", pay: { value: 5 } },
  } as const;
  const { files } = await exportDatabase(nodeSqliteSource(db), UNCUT, { format: "parquet", mask });
  db.close();
  const file = files[0]?.bytes ?? new Uint8Array();
  expect(await reader.query(file, "SELECT * FROM FILE")).toEqual([
    [1n, "u1", null, "xxxxxxx0", 5n],
    [2n, "u2", null, "xx", 5n],
  ]);
  expect(Buffer.from(file).toString("latin1").toLowerCase()).not.toContain("secret");
});

test("lists 10,000 groups at the end of a file", async () => {
  const columns = Array.from({ length: 20 }, (_, at) => ({
    name: `column ${at}`,
    type: "int64" as const,
  }));
  const note = `7${" 100 200".repeat(21)}`;
  const notes = Array.from({ length: 10_000 }, () => note);
  const footer = writeFooter(columns, { notes, compression: "zstd", createdBy: "test" });
  const bytes = concatBytes([encodeUtf8("PAR1"), ...footer]);
  expect(
    await reader.query(
      bytes,
      "SELECT count(*), count(DISTINCT row_group_id), max(data_page_offset), sum(row_group_num_rows) FROM parquet_metadata(FILE)",
    ),
  ).toEqual([[200_000n, 10_000n, BigInt(4 + 9_999 * 2_100 + 1_900), 1_400_000n]]);
  expect(
    await reader.query(bytes, "SELECT num_rows, created_by FROM parquet_file_metadata(FILE)"),
  ).toEqual([[70_000n, "test"]]);
});

function sorted(rows: string[][]): string[] {
  return rows.map((row) => JSON.stringify(row)).sort();
}
