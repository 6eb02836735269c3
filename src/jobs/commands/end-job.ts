import type { Failure } from "../../api/errors.ts";
import type { JobsContext } from "../jobs-context.ts";
import { deleteChunks } from "../tables/chunk-rows.ts";
import { getJob, moveJobIf } from "../tables/job-rows.ts";
import { discardCopies } from "./discard-copies.ts";
import { discardFiles } from "./discard-files.ts";

/**
 * Ends a job without its files if its state allows it, and reports whether it did. The job's files
 * in the store are discarded as well; the caller must remove them.
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
    if (end.to === "expired") deleteChunks(sql, end.jobId);
    return true;
  });
}
