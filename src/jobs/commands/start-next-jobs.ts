import { JOBS_RUNNING_DEFAULT } from "../../api/limits.ts";
import { readSettings } from "../../config/settings.ts";
import { callWithin } from "../../lib/call-within.ts";
import type { RunId } from "../../rpc/run-payload.ts";
import type { JobsContext } from "../jobs-context.ts";
import { countStartedJobs, hasUnstartedJob, takeFirstJob } from "../tables/job-queue-columns.ts";
import { getJob } from "../tables/job-rows.ts";
import { startRun } from "./start-run.ts";

/** How long Workflows may take. The caller's next action must not wait for a start that hangs. */
const START_MS_MAX = 10_000;

/** Reports whether a new job may start now: fewer jobs run than may, and none waits in the queue. */
export function canStartJob(context: JobsContext): boolean {
  return !hasUnstartedJob(context.sql) && countFreePlaces(context) > 0;
}

/** Starts the first run of a job that was just inserted, unless jobs before it wait in the queue. */
export async function startNewJob(context: JobsContext, jobId: string): Promise<void> {
  const { queue_number: number, run } = getJob(context.sql, jobId);
  if (number === null) await startRun(context, { jobId, run });
  else await startNextJobs(context);
}

/**
 * Starts the jobs at the front of the queue, in order, until EXPORT_JOBS_RUNNING_MAX jobs run. Call
 * it when a job has ended; the watchdog repeats it. A job leaves the queue before its instance is
 * created. If that fails, the watchdog starts the job's next run, as for any job.
 */
export async function startNextJobs(context: JobsContext): Promise<void> {
  const { sql } = context;
  if (!hasUnstartedJob(sql)) return;
  const runs: RunId[] = [];
  for (let places = countFreePlaces(context); places > 0; places -= 1) {
    const run = takeFirstJob(sql, Date.now());
    if (run === undefined) break;
    runs.push(run);
  }
  await Promise.all(runs.map((run) => startWithin(context, run)));
}

function countFreePlaces(context: JobsContext): number {
  return readRunningMax(context) - countStartedJobs(context.sql);
}

function readRunningMax({ env }: JobsContext): number {
  try {
    return readSettings(env).jobsRunningMax;
  } catch {
    // The queue moves even if a later deployment's vars are invalid.
    return JOBS_RUNNING_DEFAULT;
  }
}

async function startWithin(context: JobsContext, run: RunId): Promise<void> {
  try {
    await callWithin(START_MS_MAX, () => startRun(context, run));
  } catch (cause) {
    console.warn({ message: "run not started yet", ...run, cause: String(cause) });
  }
}
