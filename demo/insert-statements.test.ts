import { DatabaseSync } from "node:sqlite";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compareDatabases } from "./compare.ts";
import { insertStatements, stageTableSql } from "./insert-statements.ts";
import { readSchema } from "./schema.ts";

const STAGE = "stage";

/** Writes `source`'s tables into a new database by the statements under test alone. */
function copyByStatements(source: DatabaseSync): { copy: DatabaseSync; longestBytes: number } {
  const copy = new DatabaseSync(":memory:");
  copy.exec(stageTableSql(STAGE));
  let longestBytes = 0;
  for (const table of readSchema(source).tables) {
    copy.exec(table.sql);
    for (const { sql } of insertStatements(source, table, {
      encoding: "UTF-8",
      stageTable: STAGE,
    })) {
      longestBytes = Math.max(longestBytes, Buffer.byteLength(sql));
      copy.exec(sql);
    }
  }
  copy.exec(`DROP TABLE ${STAGE}`);
  return { copy, longestBytes };
}

async function differencesOfCopy(source: DatabaseSync): Promise<string[]> {
  const { copy } = copyByStatements(source);
  const { examples } = await compareDatabases(source, copy, {
    leftOut: new Set(),
    onRows: () => undefined,
    signal: new AbortController().signal,
  });
  return examples;
}

/** A value, and the expression that stores it: text may hold bytes that JavaScript's strings cannot. */
const storedValue = fc.oneof(
  fc.constant({ value: null, expression: "?" }),
  fc
    .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
    .map((value) => ({ value, expression: "?" })),
  fc.double().map((value) => ({ value, expression: "?" })),
  fc.string({ unit: "binary" }).map((value) => ({ value, expression: "?" })),
  fc.uint8Array().map((value) => ({ value, expression: "?" })),
  fc.uint8Array().map((value) => ({ value, expression: "CAST(? AS TEXT)" })),
);

describe("insertStatements", () => {
  test("write every value with its type and bytes, and every rowid", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.tuple(fc.integer(), storedValue, storedValue), {
          selector: ([rowid]) => rowid,
        }),
        async (rows) => {
          const source = new DatabaseSync(":memory:");
          source.exec('CREATE TABLE "t""1" ("a b", c)');
          for (const [rowid, a, c] of rows) {
            source
              .prepare(
                `INSERT INTO "t""1"(rowid, "a b", c) VALUES (?, ${a.expression}, ${c.expression})`,
              )
              .run(rowid, a.value, c.value);
          }
          expect(await differencesOfCopy(source)).toEqual([]);
        },
      ),
      { numRuns: 200 },
    );
  });

  test("write rows longer than a statement may be, in one INSERT each", async () => {
    const source = new DatabaseSync(":memory:");
    source.exec(
      "CREATE TABLE long_rows (id INTEGER PRIMARY KEY, t TEXT CHECK (octet_length(t) > 150000), b BLOB)",
    );
    const insert = source.prepare("INSERT INTO long_rows(t, b) VALUES (CAST(? AS TEXT), ?)");
    insert.run("é\0'".repeat(100_000), null);
    insert.run(Buffer.alloc(200_000, 0xff), Buffer.alloc(300_000, 1));
    insert.run("short enough".repeat(15_000), Buffer.alloc(0));
    expect(await differencesOfCopy(source)).toEqual([]);
    expect(copyByStatements(source).longestBytes).toBeLessThanOrEqual(100_000);
  });

  test("leave out generated columns and keep tables without rowid", async () => {
    const source = new DatabaseSync(":memory:");
    source.exec(`
      CREATE TABLE made (a INTEGER, b AS (a * 2), c TEXT AS ('x' || a) STORED);
      INSERT INTO made(rowid, a) VALUES (7, 1), (9, 2);
      CREATE TABLE keyed (k TEXT COLLATE NOCASE, n INTEGER, PRIMARY KEY (n DESC, k)) WITHOUT ROWID;
      INSERT INTO keyed VALUES ('a', 1), ('B', 2);
      CREATE TABLE hiding (rowid, _rowid_, oid);
      INSERT INTO hiding VALUES (1, 2, 3), (4, 5, 6);
    `);
    expect(await differencesOfCopy(source)).toEqual([]);
  });
});
