import type { RestoreView } from "../../api/restore-view.ts";
import type { JobsContext } from "../jobs-context.ts";
import { isCallbackPending } from "../tables/job-callback-columns.ts";
import { findJob, getJob, getJobOfKind } from "../tables/job-rows.ts";
import { toRestoreView } from "../views/restore-view.ts";
import { deleteJobRows } from "./delete-job-rows.ts";
import { endJobIf } from "./end-job.ts";
import { scheduleWatchdog } from "./schedule-watchdog.ts";
import { startEnding } from "./start-ending.ts";
import { startNextJobs } from "./start-next-jobs.ts";
import { terminateRun } from "./terminate-run.ts";

/**
 * Cancels an active restore and returns its view, or deletes an ended one and returns null. A cancelled restore
 * stays, so a repeated call changes nothing. A restore that left something in its target also stays. An unknown id
 * changes nothing. Without `mayDelete`, an ended restore stays and is returned. Errors: `job-not-found` for an
 * export, and for an unknown id without `mayDelete`.
 */
export async function removeRestore(
  context: JobsContext,
  jobId: string,
  { mayDelete }: { mayDelete: boolean },
): Promise<RestoreView | null> {
  const { sql, storage } = context;
  if (mayDelete && findJob(sql, jobId) === undefined) return null;
  const job = getJobOfKind(sql, jobId, "restore");
  if (endJobIf(context, { jobId, to: "cancelled", nowMs: Date.now() })) {
    await terminateRun(context, job);
    await startNextJobs(context);
    await startEnding(context, jobId);
    await scheduleWatchdog(context);
    return toRestoreView(sql, getJob(sql, jobId));
  }
  const stays = !mayDelete || job.state === "cancelled" || job.snapshot_open !== 0;
  if (stays) return toRestoreView(sql, job);
  if (isCallbackPending(job)) await terminateRun(context, job);
  storage.transactionSync(() => deleteJobRows(sql, jobId));
  return null;
}
