import { ExportError } from "../../api/errors.ts";
import { isActive } from "../../api/job-state.ts";
import { findActiveJob } from "../tables/job-rows.ts";
import { findActiveStream } from "../tables/stream-rows.ts";

/**
 * Requires that nobody is exporting or restoring a database: no queued or running job, and no
 * stream with a valid lease. Errors: `export-already-running` and `restore-already-running`, which
 * name the job or stream.
 */
export function requireUnlocked(
  sql: SqlStorage,
  lock: { databaseKey: string; source: string; nowMs: number },
): void {
  const source = JSON.stringify(lock.source);
  const heldBy = (holder: string, details: Record<string, string>): ExportError => {
    const message = `source ${source} is being exported by ${holder}`;
    return new ExportError("export-already-running", message, { details });
  };
  const job = findActiveJob(sql, lock.databaseKey);
  if (job?.kind === "restore") {
    const does = isActive(job.state) ? "is being restored by" : "is being cleaned up by restore";
    const message = `source ${source} ${does} job ${job.job_id}`;
    throw new ExportError("restore-already-running", message, { details: { jobId: job.job_id } });
  }
  if (job !== undefined) throw heldBy(`job ${job.job_id}`, { jobId: job.job_id });
  const stream = findActiveStream(sql, lock);
  if (stream !== undefined) {
    throw heldBy(`stream ${stream.stream_id}`, { streamId: stream.stream_id });
  }
}
