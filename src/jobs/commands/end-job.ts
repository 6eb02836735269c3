import type { Failure } from "../../api/errors.ts";
import type { JobsContext } from "../jobs-context.ts";
import { recordTotals } from "../tables/job-plan-columns.ts";
import { getJob, type JobRow, moveJobIf } from "../tables/job-rows.ts";
import { getJobProgress } from "../views/job-progress.ts";
import { replacementWarnings } from "../views/job-warnings.ts";
import { deletePlanned } from "./commit-plan.ts";
import { discardCopies } from "./discard-copies.ts";
import { discardFiles } from "./discard-files.ts";

/**
 * Ends a job without its files if its state allows it, and reports whether it did. The job's files
 * in the store are discarded as well; the caller must remove them. An expired job keeps only its
 * own row, with the totals.
 */
export function endJobIf(
  context: JobsContext,
  end: { jobId: string; to: "failed" | "cancelled" | "expired"; nowMs: number; failure?: Failure },
): boolean {
  const { sql, storage } = context;
  return storage.transactionSync(() => {
    if (!moveJobIf(sql, end)) return false;
    const job = getJob(sql, end.jobId);
    discardFiles(sql, job, end.nowMs);
    const reason = end.to === "expired" ? "removal" : "failure";
    discardCopies(context, job, { reason, nowMs: end.nowMs });
    if (end.to === "expired") reduceToTotals(sql, job);
    return true;
  });
}

/** Replaces the rows of a job's tables, chunks and artifacts by their totals. */
function reduceToTotals(sql: SqlStorage, job: JobRow): void {
  const { tablesTotal: tables, rows, bytes } = getJobProgress(sql, job);
  const warnings = replacementWarnings(sql, job.job_id);
  recordTotals(sql, job, { totals: { tables, rows, bytes }, warnings });
  deletePlanned(sql, job.job_id);
}
