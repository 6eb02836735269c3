import type { JobView } from "../model/job-view.ts";
import { isCallbackPending } from "./callback-rows.ts";
import { recordDiscards } from "./discards.ts";
import { discardFiles, discardFilesNow, manifestKeyOf } from "./job-files.ts";
import { deleteJobRows, findJob, getJob, type JobRow, moveJobIf } from "./job-rows.ts";
import { startEnding, startStreamEnding, terminateRun } from "./job-runs.ts";
import { jobViewOf } from "./job-view.ts";
import { scheduleWatchdog } from "./job-watchdog.ts";
import type { JobsContext } from "./jobs-context.ts";
import { expireStream, findStream, insertEndedStream } from "./stream-rows.ts";

/**
 * Cancels an active job, and gives its view; removes an ended one with its files, and gives null.
 * A cancelled job stays, so that repeating the call changes nothing; nor does it for an unknown one.
 * The id of a stream ends that stream, and gives null. Errors: `storage-unavailable` where files resist:
 * the watchdog goes on with them.
 */
export async function removeJob(context: JobsContext, jobId: string): Promise<JobView | null> {
  const { sql } = context;
  const job = findJob(sql, jobId);
  if (job === undefined) {
    await endStream(context, jobId);
    return null;
  }
  if (moveJobIf(sql, { jobId, to: "cancelled", nowMs: Date.now() })) {
    await terminateRun(context, job);
    await startEnding(context, jobId);
    await scheduleWatchdog(context);
    await discardFilesNow(context, job);
    return jobViewOf(sql, getJob(sql, jobId));
  }
  if (job.state === "cancelled") return jobViewOf(sql, getJob(sql, jobId));
  await deleteJob(context, job);
  return null;
}

async function endStream(context: JobsContext, streamId: string): Promise<void> {
  const { sql } = context;
  const stream = findStream(sql, streamId);
  if (stream === undefined) return;
  expireStream(sql, streamId);
  await startStreamEnding(context, stream);
  await scheduleWatchdog(context);
}

async function deleteJob(context: JobsContext, job: JobRow): Promise<void> {
  const { sql, storage } = context;
  // A run that waits for its callback's next try ends.
  if (isCallbackPending(job)) await terminateRun(context, job);
  // Should a file resist, the watchdog goes on with it.
  sql.exec(
    "UPDATE tmp_export_jobs SET expires_at_ms = 0 WHERE job_id = ? AND state = 'completed'",
    job.job_id,
  );
  await scheduleWatchdog(context);
  await discardFiles(context, job);
  storage.transactionSync(() => forgetJob(context, job.job_id));
  // What its snapshot has in the source is ended as a stream's is.
  await endStream(context, job.job_id);
  await scheduleWatchdog(context);
}

/** Removes a job's rows, and keeps in mind what may still be in its source, or come late to the store. */
function forgetJob({ sql, env }: JobsContext, jobId: string): void {
  const job = findJob(sql, jobId);
  if (job === undefined) return;
  if (job.snapshot_open === 1) insertEndedStream(sql, job);
  if (env.EXPORT_R2_BUCKET !== undefined) {
    const otherKeys = job.snapshot_id === null ? [] : [manifestKeyOf(job)];
    recordDiscards(sql, jobId, { nowMs: Date.now(), otherKeys });
  }
  deleteJobRows(sql, jobId);
}
