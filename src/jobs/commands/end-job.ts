import type { Failure } from "../../api/errors.ts";
import type { JobsContext } from "../jobs-context.ts";
import { recordTotals } from "../tables/job-plan-columns.ts";
import { getJob, type JobRow, moveJobIf } from "../tables/job-rows.ts";
import { getJobProgress } from "../views/job-progress.ts";
import { replacementWarnings } from "../views/job-warnings.ts";
import { deletePlanned } from "./commit-plan.ts";
import { discardCopies } from "./discard-copies.ts";
import { discardFiles } from "./discard-files.ts";
import { deleteMemberRows } from "./discard-fleet.ts";
import { endMemberExports } from "./member-exports.ts";

/**
 * Ends a job without its files if its state allows it, and reports whether it did. The job's files
 * in the store are discarded as well; the caller must remove them. An expired job keeps only its
 * own row, with the totals. The exports of a fleet's members end with it.
 */
export function endJobIf(
  context: JobsContext,
  end: { jobId: string; to: "failed" | "cancelled" | "expired"; nowMs: number; failure?: Failure },
): boolean {
  const { sql, storage } = context;
  return storage.transactionSync(() => {
    if (!moveJobIf(sql, end)) return false;
    const job = getJob(sql, end.jobId);
    const reason = end.to === "expired" ? "removal" : "failure";
    // First, because the files of a fleet's copies are found by its packs.
    discardCopies(context, job, { reason, nowMs: end.nowMs });
    discardFiles(sql, job, end.nowMs);
    if (job.kind === "fleet") endMembers(context, job, end);
    else if (end.to === "expired") reduceToTotals(sql, job);
    return true;
  });
}

/** The exports of a fleet expire with it. Without a series they have its time, and need nothing. */
function endMembers(
  context: JobsContext,
  { job_id: fleetId, series_key, expires_at_ms }: JobRow,
  { to, nowMs }: { to: "failed" | "cancelled" | "expired"; nowMs: number },
): void {
  const { sql } = context;
  if (to !== "expired" || series_key !== null) {
    endMemberExports(sql, fleetId, {
      // The watchdog that expires the fleet then finds them due too.
      nowMs: to === "expired" ? (expires_at_ms ?? nowMs) : nowMs,
      cancel: (jobId) => endJobIf(context, { jobId, to: "cancelled", nowMs }),
    });
  }
  if (to === "expired") deleteMemberRows(sql, fleetId);
}

/** Replaces the rows of a job's tables, chunks and artifacts by their totals. */
function reduceToTotals(sql: SqlStorage, job: JobRow): void {
  const { tablesTotal: tables, rows, bytes } = getJobProgress(sql, job);
  const warnings = replacementWarnings(sql, job.job_id);
  recordTotals(sql, job, { totals: { tables, rows, bytes }, warnings });
  deletePlanned(sql, job.job_id);
}
