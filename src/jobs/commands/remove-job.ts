import { ExportError } from "../../api/errors.ts";
import type { JobView } from "../../api/job-view.ts";
import type { JobsContext } from "../jobs-context.ts";
import { isCallbackPending } from "../tables/job-callback-columns.ts";
import { findJob, getJob, getJobOfKind, type JobRow } from "../tables/job-rows.ts";
import { expireStream, findStream, insertEndedStream } from "../tables/stream-rows.ts";
import { findReadingRestore } from "../views/job-use.ts";
import { toJobView } from "../views/job-view.ts";
import { deleteJobRows } from "./delete-job-rows.ts";
import { discardCopies } from "./discard-copies.ts";
import { discardFiles } from "./discard-files.ts";
import { endJobIf } from "./end-job.ts";
import { removeDiscards, removeDiscardsNow } from "./remove-discards.ts";
import { scheduleWatchdog } from "./schedule-watchdog.ts";
import { startEnding, startStreamEnding } from "./start-ending.ts";
import { startNextJobs } from "./start-next-jobs.ts";
import { terminateRun } from "./terminate-run.ts";

/**
 * Cancels an active job and returns its view, or removes an ended job with its files and returns
 * null. A cancelled job stays, so a repeated call changes nothing. An unknown id changes nothing.
 * The id of a stream ends that stream and returns null. Errors: `storage-unavailable` if R2 does
 * not delete a file (the watchdog retries it); `forbidden` without `mayDelete`, unless the job is
 * active; `file-in-use` while a restore may need the files.
 */
export async function removeJob(
  context: JobsContext,
  jobId: string,
  { mayDelete }: { mayDelete: boolean },
): Promise<JobView | null> {
  const { sql } = context;
  const job = findJob(sql, jobId);
  if (job !== undefined) getJobOfKind(sql, jobId, "export");
  if (job === undefined) {
    if (!mayDelete && findStream(sql, jobId) !== undefined)
      throw onlyCancels("does not end streams");
    await endStream(context, jobId);
    return null;
  }
  if (endJobIf(context, { jobId, to: "cancelled", nowMs: Date.now() })) {
    await terminateRun(context, job);
    await startNextJobs(context);
    await startEnding(context, jobId);
    await scheduleWatchdog(context);
    await removeDiscardsNow(context, jobId);
    return toJobView(sql, getJob(sql, jobId));
  }
  if (job.state === "cancelled") return toJobView(sql, getJob(sql, jobId));
  if (!mayDelete) throw onlyCancels(`does not delete a job that is ${job.state}`);
  requireUnread(sql, jobId);
  await deleteJob(context, job);
  return null;
}

/** Errors: `file-in-use` if a restore reads an export's file, or may need it to undo what it does. */
function requireUnread(sql: SqlStorage, jobId: string): void {
  const reader = findReadingRestore(sql, jobId);
  if (reader === undefined) return;
  const { job_id: restoreId } = reader;
  throw new ExportError("file-in-use", `restore ${restoreId} may need the files of job ${jobId}`, {
    details: { jobId: restoreId },
  });
}

function onlyCancels(refusal: string): ExportError {
  return new ExportError(
    "forbidden",
    `the bearer token only cancels running exports and ${refusal}`,
  );
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
  const { job_id: jobId } = job;
  // A run that waits for its callback's next attempt ends.
  if (isCallbackPending(job)) await terminateRun(context, job);
  storage.transactionSync(() => {
    const current = findJob(sql, jobId);
    if (current === undefined) return;
    if (current.snapshot_open !== 0) insertEndedStream(sql, current);
    discardFiles(sql, current, Date.now());
    discardCopies(context, current, { reason: "removal", nowMs: Date.now() });
    deleteJobRows(sql, jobId);
  });
  // Its snapshot in the source is closed as a stream's is.
  await endStream(context, jobId);
  await scheduleWatchdog(context);
  await removeDiscards(context, jobId);
}
