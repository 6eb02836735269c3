import type { RunningRestore } from "../../rpc/restore-jobs.ts";
import { parseRestoreRequest, parseRestoreState } from "../tables/job-restore-columns.ts";
import { type JobRow, parseWarnings } from "../tables/job-rows.ts";

/** Returns a restore as its run sees it. */
export function toRunningRestore(job: JobRow): RunningRestore {
  return {
    jobId: job.job_id,
    request: parseRestoreRequest(job),
    origin: job.origin,
    createdAtMs: job.created_at_ms,
    checkpoint: job.checkpoint,
    state: parseRestoreState(job),
    isTargetOpen: job.snapshot_open !== 0,
    warnings: parseWarnings(job),
  };
}
