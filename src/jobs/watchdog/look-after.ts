import type { Failure } from "../../api/errors.ts";
import { endJobIf } from "../commands/end-job.ts";
import { findPlace } from "../commands/hand-over.ts";
import { removeDiscardsNow } from "../commands/remove-discards.ts";
import { startEnding } from "../commands/start-ending.ts";
import { startNextJobs } from "../commands/start-next-jobs.ts";
import { terminateRun } from "../commands/terminate-run.ts";
import type { JobsContext } from "../jobs-context.ts";
import { findJob, toInstanceId, type JobRow, parseRescues } from "../tables/job-rows.ts";
import { recordWaiting, recordWoken } from "../tables/job-run-columns.ts";
import { replaceRun } from "./replace-run.ts";
import { findInstanceCondition } from "./run-condition.ts";
import { judge, type WatchedJob } from "./verdict.ts";

/** Does what `judge` decides about an active job whose run is silent. */
export async function lookAfter(context: JobsContext, job: JobRow, stallMs: number): Promise<void> {
  const { sql } = context;
  const instance = await findInstanceCondition(context, job);
  const current = findJob(sql, job.job_id);
  // During the call to Workflows, the run may have worked, or ended its job.
  if (current?.heartbeat_at_ms !== job.heartbeat_at_ms) return;
  // Not the alarm's own time: other tasks may have taken minutes.
  const nowMs = Date.now();
  const isWoken = job.woken_at_ms !== null && job.woken_at_ms > job.heartbeat_at_ms;
  const watched: WatchedJob = {
    runsAtPlace: countRunsAtPlace(sql, job),
    silentMs: nowMs - Math.max(job.heartbeat_at_ms, job.waited_at_ms ?? 0),
    idleMs: nowMs - job.heartbeat_at_ms,
    wokenAgoMs: isWoken ? nowMs - (job.woken_at_ms ?? 0) : null,
    instance,
  };
  switch (judge(watched, stallMs)) {
    case "wait":
      return recordWaiting(sql, { jobId: job.job_id, run: job.run }, { nowMs, as: instance });
    case "wake":
      return wake(context, job, nowMs);
    case "rescue":
      return replaceRun(context, job, { nowMs, instance });
    case "fail":
      return fail(context, job, {
        code: "export-stalled",
        message: `${watched.runsAtPlace} runs in a row went silent at the same place`,
      });
    case "end":
      return fail(context, job, waitedTooLong(watched));
    case "leave":
      return;
  }
}

/**
 * Returns how many runs in a row ended at the job's current place, plus the current one. A job may
 * have any number of runs as long as each one makes progress. Rescues recorded by an earlier
 * version count as if they happened here.
 */
function countRunsAtPlace(sql: SqlStorage, job: JobRow): number {
  const place = findPlace(sql, job);
  const rescues = parseRescues(job);
  const other = rescues.findLastIndex((rescue) => (rescue.place ?? place) !== place);
  return rescues.length - other;
}

function waitedTooLong({ instance, idleMs }: WatchedJob): Failure {
  const days = `${Math.floor(idleMs / 86_400_000)} days`;
  return instance === "queued" || instance === "paused"
    ? { code: "export-stalled", message: `its instance was ${instance} for ${days}` }
    : { code: "workflow-not-started", message: `Workflows could not be reached for ${days}` };
}

/**
 * Sends an event: an event of any type makes an instance that was forgotten continue its
 * interrupted step.
 */
async function wake({ sql, env }: JobsContext, job: JobRow, nowMs: number): Promise<void> {
  recordWoken(sql, { jobId: job.job_id, run: job.run }, nowMs);
  const instance = await env.EXPORT_WORKFLOW.get(toInstanceId(job));
  await instance.sendEvent({ type: "wake", payload: {} });
}

async function fail(context: JobsContext, job: JobRow, failure: Failure): Promise<void> {
  const { job_id: jobId } = job;
  if (!endJobIf(context, { jobId, to: "failed", nowMs: Date.now(), failure })) return;
  await terminateRun(context, job);
  await startNextJobs(context);
  await startEnding(context, jobId);
  await removeDiscardsNow(context, jobId);
}
