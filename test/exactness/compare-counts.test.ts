import { expect, test } from "vitest";

import type { ExpectedRows } from "../../src/workflows/restore/compare-counts.ts";
import { compareCounts } from "../../src/workflows/restore/compare-counts.ts";
import { nodeSqliteSource, openPlatformDatabase } from "../support/node-sqlite-source.ts";

/** Tables t0, t1, …, each with as many rows as its number. */
function numberedTables(count: number): {
  source: ReturnType<typeof nodeSqliteSource>;
  tables: ExpectedRows[];
} {
  const db = openPlatformDatabase();
  const tables = Array.from({ length: count }, (_, rows) => ({ name: `t${rows}`, rows }));
  for (const { name, rows } of tables) {
    db.exec(`CREATE TABLE ${name}(a)`);
    for (let row = 0; row < rows; row += 1) db.exec(`INSERT INTO ${name} VALUES (${row})`);
  }
  return { source: nodeSqliteSource(db), tables };
}

const beat = async (): Promise<void> => {};

test("counts all rows of all tables", async () => {
  const { source, tables } = numberedTables(60);
  expect(await compareCounts(source, { tables, from: 0, beat })).toMatchObject({
    next: null,
    tables: 60,
    rows: (59 * 60) / 2,
    difference: null,
  });
});

test("resumes at a table", async () => {
  const { source, tables } = numberedTables(30);
  const compared = await compareCounts(source, { tables, from: 28, beat });
  expect(compared).toMatchObject({ next: null, tables: 2, rows: 28 + 29, difference: null });
});

test("names the first table with another number of rows", async () => {
  const { source, tables } = numberedTables(5);
  const changed = tables.map(({ name, rows }) => ({ name, rows: name === "t3" ? 4 : rows }));
  expect(await compareCounts(source, { tables: changed, from: 0, beat })).toMatchObject({
    next: null,
    tables: 3,
    difference: { table: "t3", message: 'table "t3" has 3 rows, and the dump has 4' },
  });
});

test("names a table that is missing", async () => {
  const { source } = numberedTables(2);
  const tables = [{ name: 'no "table"', rows: 0 }];
  expect(await compareCounts(source, { tables, from: 0, beat })).toMatchObject({
    difference: { table: 'no "table"', message: 'table "no ""table""" of the dump is missing' },
  });
});
