import { JOB_STATES } from "../src/api/job-state.ts";
import { createJob } from "../src/jobs/commands/create-job.ts";
import { findRestoreByKey } from "../src/jobs/commands/create-restore.ts";
import { removeJob } from "../src/jobs/commands/remove-job.ts";
import type { JobsContext } from "../src/jobs/jobs-context.ts";
import { getJobPage } from "../src/jobs/views/job-page.ts";
import { findChangedView, getJobView } from "../src/jobs/views/job-view.ts";
import { getRestorePage } from "../src/jobs/views/restore-view.ts";
import { runWatchdog } from "../src/jobs/watchdog/job-watchdog.ts";
import type { NewJob } from "../src/rpc/http-jobs.ts";
import { toOldJobId } from "./old-jobs.ts";

/** Of a page of jobs. */
const LIMIT = 5;

/** A Workflow that takes every instance and runs none: jobs stay as they are. */
export const KEEPING_WORKFLOW = {
  create: ({ id }: { id: string }) => Promise.resolve({ id }),
  get: () =>
    Promise.resolve({
      status: () => Promise.resolve({ status: "running" }),
      terminate: () => Promise.resolve(),
    }),
};

/** A new job that no other one has the database or the key of. */
export function newJob(name: string): NewJob {
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

/** A call of the jobs object. */
export type Call = (context: JobsContext) => unknown;

const page = { status: undefined, limit: LIMIT, after: undefined };

/**
 * Returns what the routes, the runs and the alarm ask of the jobs object, in an order that undoes itself, and
 * the ids of the jobs that are left.
 */
export function makeCalls(): { calls: [name: string, call: Call][]; left: readonly string[] } {
  const job = newJob("measured");
  const waiting = newJob("in the queue");

  const calls: [name: string, call: Call][] = [
    ["POST", (context) => createJob(context, job)],
    ["POST again, with its key", (context) => createJob(context, job)],
    ["POST into the queue", (context) => createJob(context, waiting)],
    ["GET of a running job", ({ sql }) => getJobView(sql, job.jobId)],
    ["GET of a queued job", ({ sql }) => getJobView(sql, waiting.jobId)],
    ["GET of an ended job", ({ sql }) => getJobView(sql, toOldJobId(40))],
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
  return { calls, left: [job.jobId, waiting.jobId] };
}
