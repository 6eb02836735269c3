import { env, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, expect, test } from "vitest";

import type { JobView } from "../../src/api/job-view.ts";
import { startScheduledExports } from "../../src/intake/scheduled.ts";
import { runWatchdog } from "../../src/jobs/watchdog/job-watchdog.ts";
import { api, emptyDatabase, ended, query, startExport } from "../support/api.ts";
import { inJobs } from "../support/writing-job.ts";

const prototype = Object.getPrototypeOf(env.EXPORT_WORKFLOW) as Workflow;
const methods = Object.getOwnPropertyDescriptors(prototype);

const restoreWorkflows = (): void => {
  Object.defineProperties(prototype, methods);
};

const loseWorkflows = (): void => {
  prototype.create = () => Promise.reject(new Error("internal error"));
};

const TICK = { cron: "0 3 * * *", scheduledTime: 1_790_000_000_000 };
const scheduled = { ...env, EXPORT_SCHEDULE: JSON.stringify([{}]) } as typeof env;

beforeEach(async () => {
  await emptyDatabase();
  await query("CREATE TABLE t(a)", "INSERT INTO t VALUES (1)");
});

afterEach(async () => {
  restoreWorkflows();
  await inJobs("DELETE FROM tmp_export_jobs");
});

/** Lets the watchdog look two minutes later. */
async function lookLater(): Promise<void> {
  await inJobs("UPDATE tmp_export_jobs SET heartbeat_at_ms = heartbeat_at_ms - 120000");
  await runInDurableObject(env.EXPORT_JOBS.getByName("jobs"), (_, { storage }) =>
    runWatchdog({ storage, sql: storage.sql, env }),
  );
}

async function listJobs(): Promise<JobView[]> {
  return (await (await api("/export/jobs")).json<{ jobs: JobView[] }>()).jobs;
}

test("a job that Workflows does not start stays queued, and the watchdog starts it", async () => {
  loseWorkflows();
  const key = { "idempotency-key": crypto.randomUUID() };
  const { jobId, status } = await startExport({}, key);
  expect(status).toBe("queued");
  expect((await startExport({}, key)).jobId).toBe(jobId);
  await lookLater();
  expect(await listJobs()).toMatchObject([{ jobId, status: "queued", workflow: { run: 1 } }]);
  restoreWorkflows();
  await lookLater();
  expect(await ended(jobId)).toMatchObject({ status: "completed", error: null });
});

test("a tick of the schedule that Workflows does not start is not lost", async () => {
  loseWorkflows();
  await startScheduledExports(scheduled, TICK);
  restoreWorkflows();
  await startScheduledExports(scheduled, TICK);
  await lookLater();
  const [job, ...others] = await listJobs();
  expect(others).toEqual([]);
  expect(await ended(job?.jobId ?? "")).toMatchObject({ status: "completed" });
});

test("a job that never started gives its key back", async () => {
  loseWorkflows();
  const key = { "idempotency-key": crypto.randomUUID() };
  const { jobId } = await startExport({}, key);
  await inJobs(
    `UPDATE tmp_export_jobs SET state = 'failed', completed_at_ms = 1,
       failure_json = '{"code":"workflow-not-started","message":"internal error"}'`,
  );
  restoreWorkflows();
  const again = await startExport({}, key);
  expect(again.jobId).not.toBe(jobId);
  expect(await ended(again.jobId)).toMatchObject({ status: "completed" });
});

test("a tick that is delivered again reports that its job has failed", async () => {
  await startScheduledExports(scheduled, TICK);
  const [job] = await listJobs();
  await ended(job?.jobId ?? "");
  await inJobs(
    `UPDATE tmp_export_jobs SET state = 'failed',
       failure_json = '{"code":"source-unavailable","message":"asleep"}'`,
  );
  await expect(startScheduledExports(scheduled, TICK)).rejects.toMatchObject({
    code: "source-unavailable",
    message: `scheduled job ${job?.jobId} failed: asleep`,
  });
  expect(await listJobs()).toHaveLength(1);
});
