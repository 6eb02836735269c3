import { ExportError } from "../../api/errors.ts";
import type { FleetView } from "../../api/fleet-view.ts";
import type { JobsContext } from "../jobs-context.ts";
import { isCallbackPending } from "../tables/job-callback-columns.ts";
import { findJob, getJob, getJobOfKind, type JobRow } from "../tables/job-rows.ts";
import { toFleetView } from "../views/fleet-view.ts";
import { findReadingRestore } from "../views/job-use.ts";
import { deleteJobRows } from "./delete-job-rows.ts";
import { discardCopies } from "./discard-copies.ts";
import { discardFiles } from "./discard-files.ts";
import { endJobIf } from "./end-job.ts";
import { endMemberExports } from "./member-exports.ts";
import { removeDiscards, removeDiscardsNow } from "./remove-discards.ts";
import { scheduleWatchdog } from "./schedule-watchdog.ts";
import { startEnding } from "./start-ending.ts";
import { startNextJobs } from "./start-next-jobs.ts";
import { terminateRun } from "./terminate-run.ts";

/**
 * Cancels an active fleet and returns its view, or removes an ended fleet with its files and returns null. A cancelled
 * fleet stays, so a repeated call changes nothing. An unknown id changes nothing. Errors: `job-not-found` for another
 * kind of job; `forbidden` without `mayDelete`, unless the fleet is active; `file-in-use` while a restore reads it;
 * `storage-unavailable` if R2 does not delete a file (the watchdog retries it).
 */
export async function removeFleet(
  context: JobsContext,
  jobId: string,
  { mayDelete }: { mayDelete: boolean },
): Promise<FleetView | null> {
  const { sql } = context;
  if (findJob(sql, jobId) === undefined) return null;
  const job = getJobOfKind(sql, jobId, "fleet");
  if (endJobIf(context, { jobId, to: "cancelled", nowMs: Date.now() })) {
    await terminateRun(context, job);
    await startNextJobs(context);
    await startEnding(context, jobId);
    await scheduleWatchdog(context);
    await removeDiscardsNow(context, jobId);
    return toFleetView(sql, getJob(sql, jobId));
  }
  if (job.state === "cancelled") return toFleetView(sql, job);
  if (!mayDelete) {
    throw new ExportError(
      "forbidden",
      `the bearer token only cancels running fleets and does not delete a fleet that is ${job.state}`,
    );
  }
  requireUnread(sql, jobId);
  await deleteFleet(context, job);
  return null;
}

/** Errors: `file-in-use` if a restore reads a file of the fleet. */
function requireUnread(sql: SqlStorage, jobId: string): void {
  const reader = findReadingRestore(sql, jobId);
  if (reader === undefined) return;
  const { job_id: restoreId } = reader;
  throw new ExportError("file-in-use", `restore ${restoreId} reads a file of fleet ${jobId}`, {
    details: { jobId: restoreId },
  });
}

async function deleteFleet(context: JobsContext, job: JobRow): Promise<void> {
  const { sql, storage } = context;
  const { job_id: jobId } = job;
  // A run that waits for its callback's next attempt ends.
  if (isCallbackPending(job)) await terminateRun(context, job);
  storage.transactionSync(() => {
    const current = findJob(sql, jobId);
    if (current === undefined) return;
    const nowMs = Date.now();
    // None is active any more.
    endMemberExports(sql, jobId, { nowMs, cancel: () => {} });
    // First, because the files of copies are found by the packs.
    discardCopies(context, current, { reason: "removal", nowMs });
    discardFiles(sql, current, nowMs);
    deleteJobRows(sql, jobId);
  });
  await scheduleWatchdog(context);
  await removeDiscards(context, jobId);
}
