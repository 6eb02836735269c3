import { DatabaseSync } from "node:sqlite";
import * as fc from "fast-check";
import { expect, test } from "vitest";

import { scanScript } from "./scan-script.ts";

async function count(script: string): Promise<Record<string, number>> {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    yield new TextEncoder().encode(script);
  }
  const { rows } = await scanScript(chunks());
  return Object.fromEntries(rows.map((each) => [each.name, each.rows]));
}

test("counts the rows of plain INSERTs, whatever their values contain", async () => {
  const values = fc.array(
    fc.constantFrom(
      "1",
      "'(a),(b)'",
      "'it''s ('",
      "(1+(2))",
      "X'00'",
      "NULL",
      "/* ( */ 2",
      "-- (\n3",
    ),
    { minLength: 1, maxLength: 5 },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(values, { minLength: 1, maxLength: 5 }), async (statements) => {
      const inserts = statements.map(
        (rows) => `INSERT INTO t VALUES${rows.map((each) => `(${each})`).join(",")};`,
      );
      const script = `CREATE TABLE t(a);${inserts.join("\n")}`;
      const db = new DatabaseSync(":memory:");
      db.exec(script);
      const loaded = db.prepare("SELECT count(*) AS n FROM t").get()?.["n"];
      expect(await count(script)).toEqual({ t: loaded });
    }),
  );
});

test.each([
  ["a table without rows", "CREATE TABLE t(a);", { t: 0 }],
  ["a conflict clause", "CREATE TABLE t(a UNIQUE); INSERT OR IGNORE INTO t VALUES(1),(1);", {}],
  ["an upsert", "CREATE TABLE t(a UNIQUE); INSERT INTO t VALUES(1) ON CONFLICT DO NOTHING;", {}],
  ["a query", "CREATE TABLE t(a); INSERT INTO t SELECT 1;", {}],
  ["a deletion", "CREATE TABLE t(a); INSERT INTO t VALUES(1); DELETE FROM t;", {}],
  [
    "a trigger before rows",
    "CREATE TABLE t(a); CREATE TRIGGER g AFTER INSERT ON t BEGIN DELETE FROM t; END; INSERT INTO t VALUES(1);",
    {},
  ],
  ["a table that is dropped", "CREATE TABLE t(a); CREATE TABLE u(a); DROP TABLE t;", { u: 0 }],
])("counts only what the script alone decides: %s", async (_title, script, counts) => {
  expect(await count(script)).toEqual(counts);
});
