import { expect, test } from "vitest";

import { ExportError } from "../../src/api/errors.ts";
import { readKeyRanges } from "../../src/reading/key-ranges.ts";
import { readCatalog } from "../../src/reading/read-catalog.ts";
import { exportDatabase, randomCutting, UNCUT } from "../support/dump-database.ts";
import { nodeSqliteSource, openPlatformDatabase } from "../support/node-sqlite-source.ts";

const named = (count: number, bytes: number): string[] =>
  Array.from({ length: count }, (_, n) => String(n).padEnd(bytes, "x"));

function sourceOf(...script: string[]) {
  const db = openPlatformDatabase();
  for (const sql of script) db.exec(sql);
  return nodeSqliteSource(db);
}

async function refusalOf(work: Promise<unknown>): Promise<ExportError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof ExportError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

test.each([
  [20, 1_000],
  [60, 490],
  [100, 450],
  [100, 900],
])("writes %i columns whose names have %i bytes in every format", async (count, bytes) => {
  const names = named(count, bytes);
  const values = names.map((_, n) => (n % 2 === 0 ? `it's ${n}` : n));
  const sql = values.map((value) =>
    typeof value === "number" ? value : `'${value.replaceAll("'", "''")}'`,
  );
  const source = sourceOf(
    `CREATE TABLE t(${names.map((name) => `"${name}"`).join(",")})`,
    `INSERT INTO t VALUES (${sql.join(",")}), (${sql.join(",")})`,
  );
  const textOf = async (format: "csv" | "json" | "ndjson"): Promise<string> => {
    const { files } = await exportDatabase(source, randomCutting(3), { format });
    return Buffer.from(files[0]?.bytes ?? []).toString("utf8");
  };
  const row = Object.fromEntries(names.map((name, n) => [name, values[n]]));
  expect(JSON.parse(await textOf("json"))).toEqual([row, row]);
  expect(
    (await textOf("ndjson"))
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line)),
  ).toEqual([row, row]);
  const line = values.map((value) => (typeof value === "number" ? value : `"${value}"`)).join(",");
  const header = names.map((name) => `"${name}"`).join(",");
  expect(await textOf("csv")).toBe(`${header}\r\n${line}\r\n${line}\r\n`);
});

test("names the table and a column if no INSERT of its rows is short enough", async () => {
  const names = named(100, 900);
  const table = "x".repeat(2_000);
  const source = sourceOf(
    `CREATE TABLE "${table}"(${names.map((name) => `"${name}"`).join(",")})`,
    `INSERT INTO "${table}" DEFAULT VALUES`,
  );
  const refusal = await refusalOf(exportDatabase(source));
  expect(refusal.code).toBe("name-too-long");
  expect(refusal.message).toContain(`table "${"x".repeat(100)}"… (2000 bytes)`);
  expect(refusal.message).toContain('such as "0xxx');
  expect(refusal.message.length).toBeLessThan(500);
});

test("names the table if not even its key can be read", async () => {
  const names = named(8, 5_000).map((name) => `"${name}"`);
  const key = names.map((name, n) => `${name}${n % 2 === 0 ? "" : " DESC"}`);
  const source = sourceOf(
    `CREATE TABLE t(${names.join(",")}, PRIMARY KEY (${key.join(",")})) WITHOUT ROWID`,
    `INSERT INTO t VALUES (1,2,3,4,5,6,7,8), (1,2,3,4,5,6,7,9)`,
  );
  const refusal = await refusalOf(exportDatabase(source, { ...UNCUT, isChunkEnd: () => true }));
  expect(refusal.code).toBe("name-too-long");
  expect(refusal.message).toContain('table "t"');
});

test("finds the key ranges of tables whose names have 10 KB", async () => {
  const table = "t".repeat(10_000);
  const key = "k".repeat(10_000);
  const source = sourceOf(
    `CREATE TABLE "${table}"("${key}" INTEGER PRIMARY KEY)`,
    `INSERT INTO "${table}" VALUES (1), (2), (30)`,
  );
  const catalog = await readCatalog(source);
  const { ranges } = await readKeyRanges(source, catalog.tables);
  expect(ranges).toMatchObject([{ first: 1, last: 30 }]);
});
