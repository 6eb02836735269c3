import { beforeEach, describe, expect, test } from "vitest";

import { ExportError } from "../../src/api/errors.ts";
import { KIB, ONE_TURN_BYTES_MAX } from "../../src/api/limits.ts";
import type { Source, SourceValue } from "../../src/databases/source.ts";

async function failureOf(work: Promise<unknown>): Promise<{ code: string; message: string }> {
  try {
    await work;
  } catch (error) {
    if (error instanceof ExportError) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error("nothing was refused");
}

const bytes = (...values: number[]): ArrayBuffer => Uint8Array.from(values).buffer;

/** Returns the length of the BLOB that is a row's first value. */
function blobBytes([value]: readonly SourceValue[] = []): number {
  return value instanceof ArrayBuffer ? value.byteLength : 0;
}

/** Statements that take one value of each kind through a column, in both ways of asking. */
const VALUES: [title: string, sql: string, value: unknown][] = [
  ["NULL", "NULL", null],
  ["an integer", "-7", -7],
  ["a real", "0.1 + 0.2", 0.1 + 0.2],
  ["text", "'a''b \u00e9 \u{1f600}'", "a'b \u00e9 \u{1f600}"],
  ["empty text", "''", ""],
  ["text with NUL", "CAST(X'410042' AS TEXT)", "A\0B"],
  ["a BLOB that is no UTF-8", "X'00ff41'", bytes(0, 255, 65)],
  ["an empty BLOB", "X''", bytes()],
];

/** What every source must do; each adapter runs it over an empty database. */
export function sourceContract(
  name: string,
  open: () => Source | Promise<Source>,
  options: { rollsBack: boolean; reportsSize: boolean },
): void {
  describe(`source ${name}`, () => {
    let source: Source;
    let serial = 0;
    let table = "";

    beforeEach(async () => {
      source = await open();
      table = `contract_${(serial += 1)}`;
      await source.query({ sql: `CREATE TABLE ${table}(id INTEGER PRIMARY KEY, v)` });
    });

    test.each(VALUES)("gives back %s as it is", async (_, sql, value) => {
      for (const columns of [undefined, 2]) {
        const statement = { sql: `SELECT ${sql} AS a, 2 AS b`, ...(columns && { columns }) };
        expect((await source.query(statement)).rows).toEqual([[value, 2]]);
        const [result] = await source.transaction([statement]);
        expect(result?.rows).toEqual([[value, 2]]);
      }
    });

    test("gives back an infinite real where the number of columns is told", async () => {
      const { rows } = await source.query({ sql: "SELECT 9e999, -9e999", columns: 2 });
      expect(rows).toEqual([[Infinity, -Infinity]]);
    });

    test("binds BLOBs, text, numbers and NULL", async () => {
      const params = [bytes(0, 255), "\u00e9\u0000", 5, null];
      const sql = "SELECT hex(?1), hex(?2), typeof(?3), typeof(?4)";
      for (const columns of [undefined, 4]) {
        const { rows } = await source.query({ sql, params, ...(columns && { columns }) });
        expect(rows).toEqual([["00FF", "C3A900", "real", "null"]]);
      }
    });

    test("keeps two columns of one name apart, and the order of the columns", async () => {
      const sql = "SELECT 3 AS a, 1 AS a, 2 AS '1'";
      expect((await source.query({ sql })).rows).toEqual([[3, 1, 2]]);
      const [result] = await source.transaction([{ sql, columns: 3 }]);
      expect(result?.rows).toEqual([[3, 1, 2]]);
    });

    test("keeps the order of the rows, and names the columns", async () => {
      await source.query({ sql: `INSERT INTO ${table} VALUES (1, 'x'), (2, 'y'), (3, 'z')` });
      const sql = `SELECT v AS word, id FROM ${table} ORDER BY id DESC`;
      const result = await source.query({ sql });
      expect(result.columns).toEqual(["word", "id"]);
      const rows = [
        ["z", 3],
        ["y", 2],
        ["x", 1],
      ];
      expect(result.rows).toEqual(rows);
      expect((await source.query({ sql, columns: 2 })).rows).toEqual(rows);
    });

    test("gives no rows where there are none", async () => {
      for (const columns of [undefined, 2]) {
        const statement = { sql: `SELECT id, v FROM ${table}`, ...(columns && { columns }) };
        expect((await source.query(statement)).rows).toEqual([]);
        expect((await source.transaction([statement]))[0]?.rows).toEqual([]);
      }
    });

    test("carries a value of a megabyte", async () => {
      const sql = "SELECT CAST(replace(hex(zeroblob(250000)), '00', 'wxyz') AS BLOB)";
      for (const columns of [undefined, 1]) {
        const { rows } = await source.query({ sql, ...(columns && { columns }) });
        const value = new Uint8Array(rows[0]?.[0] as ArrayBuffer);
        expect(value.byteLength).toBe(1_000_000);
        expect(new TextDecoder().decode(value.subarray(999_996))).toBe("wxyz");
      }
    });

    test("carries a page of long rows as one value", async () => {
      const sql = `SELECT zeroblob(${source.longRowsPageBytes})`;
      const { rows } = await source.query({ sql, columns: 1 });
      expect(blobBytes(rows[0])).toBe(source.longRowsPageBytes);
    });

    test("answers as many bytes in one turn as a job may ask for", async () => {
      const bytesMax = Math.min(source.oneTurnBytesMax, ONE_TURN_BYTES_MAX);
      const statements = Array.from({ length: bytesMax / (256 * KIB) }, () => ({
        sql: `SELECT zeroblob(${256 * KIB})`,
        columns: 1,
      }));
      const results = await source.transaction(statements);
      const lengths = results.map(({ rows }) => blobBytes(rows[0]));
      expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(bytesMax);
    });

    test("runs several statements of one text", async () => {
      await source.query({
        sql: `INSERT INTO ${table} VALUES (1, 'x'); INSERT INTO ${table} VALUES (2, 'y')`,
      });
      expect((await source.query({ sql: `SELECT count(*) FROM ${table}` })).rows).toEqual([[2]]);
    });

    test("runs the statements of a transaction in order, each seeing those before it", async () => {
      const results = await source.transaction([
        { sql: `INSERT INTO ${table} VALUES (1, 'x')` },
        { sql: `SELECT count(*) AS n FROM ${table}`, columns: 1 },
        { sql: `INSERT INTO ${table} VALUES (2, 'y')` },
        { sql: `SELECT count(*) AS n FROM ${table}` },
      ]);
      expect([results[1]?.rows, results[3]?.rows]).toEqual([[[1]], [[2]]]);
    });

    test(`${options.reportsSize ? "reports" : "does not report"} the size of the database`, async () => {
      const sizeNow = async (): Promise<number | undefined> =>
        (await source.query({ sql: "SELECT 1 AS one", columns: 1 })).databaseBytes;
      const before = await sizeNow();
      await source.query({ sql: `INSERT INTO ${table} VALUES (1, zeroblob(500000))` });
      const after = await sizeNow();
      if (!options.reportsSize) expect([before, after]).toEqual([undefined, undefined]);
      else expect(Number(after) - Number(before)).toBeGreaterThan(490_000);
    });

    test.runIf(options.rollsBack)("undoes a transaction that fails", async () => {
      const failure = await failureOf(
        source.transaction([
          { sql: `INSERT INTO ${table} VALUES (1, 'x')` },
          { sql: `INSERT INTO ${table} VALUES (1, 'y')` },
        ]),
      );
      expect(failure).toMatchObject({ code: "source-query-failed" });
      expect((await source.query({ sql: `SELECT count(*) FROM ${table}` })).rows).toEqual([[0]]);
    });

    test("tells SQLite's own errors apart, with its words", async () => {
      expect(
        await failureOf(source.query({ sql: "SELECT missing FROM sqlite_master" })),
      ).toMatchObject({
        code: "source-query-failed",
        message: expect.stringContaining("no such column") as string,
      });
      const long = source.query({ sql: `SELECT 1 /*${"x".repeat(100_000)}*/` });
      expect((await failureOf(long)).code).toBe("source-query-failed");
    });

    test("says of a value that is too long that it is too big", async () => {
      const sql = "SELECT zeroblob(2000000000)";
      expect(await failureOf(source.query({ sql, columns: 1 }))).toMatchObject({
        code: "source-query-failed",
        message: expect.stringMatching(/too big|SQLITE_TOOBIG/) as string,
      });
    });
  });
}
