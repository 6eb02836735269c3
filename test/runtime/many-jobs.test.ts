import { env, runInDurableObject } from "cloudflare:test";
import { beforeAll, expect, test } from "vitest";

import { KEEPING_WORKFLOW, makeCalls } from "../../bench/jobs-calls.ts";
import { countingSql, insertOldJobs } from "../../bench/old-jobs.ts";
import { JOBS_RUNNING_DEFAULT } from "../../src/api/limits.ts";
import { insertOrphan } from "../support/orphan-job.ts";

/** Enough for every filter's page; then thirty times as many. */
const FEW = 200;
const MANY = 6_000;
const TABLES = 20;

const jobs = () => env.EXPORT_JOBS.getByName("jobs");

/** Makes every call once and returns the rows that each has read and written. */
async function measure(): Promise<Record<string, { rowsRead: number; rowsWritten: number }>> {
  return runInDurableObject(jobs(), async (_, { storage }) => {
    const { calls, left } = makeCalls();
    const measured: Record<string, { rowsRead: number; rowsWritten: number }> = {};
    for (const [name, call] of calls) {
      const { sql, count } = countingSql(storage.sql);
      await call({ storage, sql, env: { ...env, EXPORT_WORKFLOW: KEEPING_WORKFLOW } as never });
      measured[name] = count();
    }
    for (const jobId of left) {
      storage.sql.exec("DELETE FROM tmp_export_jobs WHERE job_id = ?", jobId);
    }
    return measured;
  });
}

async function insert(first: number, last: number): Promise<void> {
  await runInDurableObject(jobs(), (_, { storage }) =>
    insertOldJobs(storage.sql, { first, last, tables: TABLES, nowMs: Date.now() }),
  );
}

beforeAll(async () => {
  // One place is free: the first job starts, and the second one waits.
  for (let n = 1; n < JOBS_RUNNING_DEFAULT; n += 1) await insertOrphan();
});

test("no call reads or writes more rows with thirty times as many old jobs", async () => {
  await insert(1, FEW);
  const few = await measure();
  await insert(FEW + 1, MANY);
  expect(await measure()).toEqual(few);
  expect(few["alarm"]?.rowsRead).toBeGreaterThan(0);
  expect(few["alarm"]?.rowsRead).toBeLessThan(200);
  expect(few["GET of an ended job"]?.rowsRead).toBeLessThan(10 * TABLES);
});
