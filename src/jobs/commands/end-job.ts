import type { Failure } from "../../api/errors.ts";
import { discardFiles } from "../tables/discard-rows.ts";
import { getJob, moveJobIf } from "../tables/job-rows.ts";
import type { JobsContext } from "../jobs-context.ts";

/**
 * Ends a job without its files, where its state allows it: says whether it did. What it has in the
 * store is discarded with it, and is the caller's to remove.
 */
export function endJobIf(
  { sql, storage }: JobsContext,
  end: { jobId: string; to: "failed" | "cancelled" | "expired"; nowMs: number; failure?: Failure },
): boolean {
  return storage.transactionSync(() => {
    if (!moveJobIf(sql, end)) return false;
    discardFiles(sql, getJob(sql, end.jobId), end.nowMs);
    if (end.to === "expired") {
      sql.exec("DELETE FROM tmp_export_job_chunks WHERE job_id = ?", end.jobId);
    }
    return true;
  });
}
