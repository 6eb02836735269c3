import { ExportError } from "../../api/errors.ts";
import { toIdFolder } from "../../rpc/object-key.ts";
import type { JobRow } from "../tables/job-rows.ts";

/**
 * Returns the folder of a job's files, which ends with `/`; null before its first snapshot. A job without a recorded
 * folder has its files in the jobs database, or an earlier version planned it.
 */
export function findFolder(job: JobRow): string | null {
  const { job_id: jobId, snapshot_id: snapshotId, folder } = job;
  return folder ?? (snapshotId === null ? null : toIdFolder({ jobId, snapshotId }));
}

/** Returns the folder of a fleet, or of a job with a plan. Errors: `internal-error` if there is none. */
export function getFolder(job: JobRow): string {
  const folder = findFolder(job);
  if (folder === null)
    throw new ExportError("internal-error", `job ${job.job_id} has no files yet`);
  return folder;
}
