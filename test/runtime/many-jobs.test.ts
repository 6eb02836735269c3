import { env, runInDurableObject } from "cloudflare:test";
import { beforeAll, expect, test } from "vitest";

import { JOB_STATES } from "../../src/api/job-state.ts";
import { JOBS_RUNNING_DEFAULT } from "../../src/api/limits.ts";
import { createJob } from "../../src/jobs/commands/create-job.ts";
import { findRestoreByKey } from "../../src/jobs/commands/create-restore.ts";
import { removeJob } from "../../src/jobs/commands/remove-job.ts";
import type { JobsContext } from "../../src/jobs/jobs-context.ts";
import { getJobPage } from "../../src/jobs/views/job-page.ts";
import { findChangedView, getJobView } from "../../src/jobs/views/job-view.ts";
import { getRestorePage } from "../../src/jobs/views/restore-view.ts";
import { runWatchdog } from "../../src/jobs/watchdog/job-watchdog.ts";
import type { NewJob } from "../../src/rpc/http-jobs.ts";
import { countingSql, insertOldJobs } from "../support/old-jobs.ts";
import { insertOrphan } from "../support/orphan-job.ts";

/** Enough for every filter's page; then thirty times as many. */
const FEW = 200;
const MANY = 6_000;
const TABLES = 20;
const LIMIT = 5;

const jobs = () => env.EXPORT_JOBS.getByName("jobs");

/** Workflows that take every instance and run none: jobs stay as they are. */
const workflow = {
  create: ({ id }: { id: string }) => Promise.resolve({ id }),
  get: () =>
    Promise.resolve({
      status: () => Promise.resolve({ status: "running" }),
      terminate: () => Promise.resolve(),
    }),
};

function newJob(name: string): NewJob {
  return {
    jobId: crypto.randomUUID(),
    request: {
      source: "main",
      format: "sql",
      compression: "none",
      consistency: "live",
      content: "all",
      retentionHours: 1,
    },
    databaseKey: `new ${name}`,
    requestDigest: "",
    idempotencyKey: name,
    origin: "https://export.example.com",
    nowMs: Date.now(),
  };
}

type Call = (context: JobsContext) => unknown;

const job = newJob("measured");
const waiting = newJob("in the queue");
const isOf = (n: number): string =>
  `${n.toString(16).padStart(8, "0")}-0000-4000-8000-${n.toString(16).padStart(12, "0")}`;
const page = { status: undefined, limit: LIMIT, after: undefined };

/** What the routes, the runs and the alarm ask of the jobs object, in an order that undoes itself. */
const CALLS: [name: string, call: Call][] = [
  ["POST", (context) => createJob(context, job)],
  ["POST again, with its key", (context) => createJob(context, job)],
  ["POST into the queue", (context) => createJob(context, waiting)],
  ["GET of a running job", ({ sql }) => getJobView(sql, job.jobId)],
  ["GET of a queued job", ({ sql }) => getJobView(sql, waiting.jobId)],
  ["GET of an ended job", ({ sql }) => getJobView(sql, isOf(40))],
  ["GET of a job that may have changed", ({ sql }) => findChangedView(sql, waiting.jobId, "")],
  [
    "GET of a restore's key",
    ({ sql }) => findRestoreByKey(sql, { idempotencyKey: "unknown", requestDigest: "" }),
  ],
  ["list", ({ sql }) => getJobPage(sql, page)],
  [
    "list, page 2",
    ({ sql }) => {
      const { next } = getJobPage(sql, page);
      return getJobPage(sql, { ...page, after: next ?? undefined });
    },
  ],
  ...JOB_STATES.flatMap((status): [string, Call][] => [
    [`list of ${status}`, ({ sql }) => getJobPage(sql, { ...page, status })],
    [`list of ${status} restores`, ({ sql }) => getRestorePage(sql, { ...page, status })],
  ]),
  ["list of restores", ({ sql }) => getRestorePage(sql, page)],
  ["alarm", (context) => runWatchdog(context)],
  ["DELETE of a queued job", (context) => removeJob(context, waiting.jobId, { mayDelete: true })],
  ["DELETE of a running job", (context) => removeJob(context, job.jobId, { mayDelete: true })],
  ["alarm later", (context) => runWatchdog(context)],
];

/** Makes every call once and returns the rows that each has read and written. */
async function measure(): Promise<Record<string, { rowsRead: number; rowsWritten: number }>> {
  return runInDurableObject(jobs(), async (_, { storage }) => {
    const measured: Record<string, { rowsRead: number; rowsWritten: number }> = {};
    for (const [name, call] of CALLS) {
      const { sql, count } = countingSql(storage.sql);
      await call({ storage, sql, env: { ...env, EXPORT_WORKFLOW: workflow } as never });
      measured[name] = count();
    }
    for (const { jobId } of [job, waiting]) {
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
