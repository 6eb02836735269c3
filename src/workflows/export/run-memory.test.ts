import { expect, test } from "vitest";

import { planDump } from "../../formats/plan-dump.ts";
import { readDumpPlan } from "../../reading/planned-dump.ts";
import {
  nodeSqliteSource,
  openPlatformDatabase,
} from "../../../test/support/node-sqlite-source.ts";
import { RunMemory } from "./run-memory.ts";

async function planOf(script: string) {
  const db = openPlatformDatabase();
  db.exec(script);
  return readDumpPlan(nodeSqliteSource(db), (catalog) =>
    planDump({ source: "main", format: "sql", content: "all" }, catalog),
  );
}

test("remembers the plan of its digest, and no other", async () => {
  const planned = await planOf("CREATE TABLE a(x)");
  const memory = new RunMemory();
  expect(memory.findPlan("one")).toBeUndefined();
  memory.rememberPlan("one", planned);
  expect(memory.findPlan("one")).toEqual(planned);
  expect(memory.findPlan("other")).toBeUndefined();
  expect(memory.findPlan(null)).toBeUndefined();
});

test("does not remember the plan of a large schema", async () => {
  const tables = Array.from(
    { length: 24 },
    (_, n) => `CREATE TABLE t${n}(x /* ${"y".repeat(90_000)} */)`,
  );
  const memory = new RunMemory();
  memory.rememberPlan("one", await planOf(tables.join(";")));
  expect(memory.findPlan("one")).toBeUndefined();
});
