import { join } from "node:path";
import { expect, test } from "vitest";

import { listSlowSteps, listStatements, openJobsDatabase } from "./jobs-plans.ts";

const ROOT = join(import.meta.dirname, "../..");

test("every statement of the jobs object finds its rows by an index", async () => {
  const database = openJobsDatabase();
  const statements = await listStatements(ROOT);
  expect(statements.length).toBeGreaterThan(100);
  const slow = statements
    .map(({ file, sql }) => ({ file, sql, steps: listSlowSteps(database, sql) }))
    .filter(({ steps }) => steps.length > 0);
  expect(slow).toEqual([]);
});

test.each([
  ["a table", "SELECT count(*) FROM tmp_export_jobs", "SCAN tmp_export_jobs"],
  [
    "the largest of a table",
    "SELECT max(job_id || state) FROM tmp_export_jobs",
    "SEARCH tmp_export_jobs",
  ],
  [
    "rows of tables",
    "SELECT 1 FROM tmp_export_job_tables WHERE name = ?",
    "SCAN tmp_export_job_tables",
  ],
  ["jobs of a kind", "SELECT * FROM tmp_export_jobs WHERE kind = ?", "(kind=?)"],
  [
    "jobs in a state",
    "SELECT * FROM tmp_export_jobs WHERE kind = ? AND state = ? AND source = ?",
    "(kind=? AND state=?)",
  ],
  [
    "jobs to sort",
    "SELECT * FROM tmp_export_jobs WHERE state IN ('completed', 'failed') AND kind = ? AND created_at_ms > ? ORDER BY source",
    "USE TEMP B-TREE FOR ORDER BY",
  ],
])("a statement that reads %s whole is found", (_, sql, step) => {
  expect(listSlowSteps(openJobsDatabase(), sql)).toContainEqual(expect.stringContaining(step));
});
