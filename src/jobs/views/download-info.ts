import type { DownloadInfo } from "../../rpc/http-jobs.ts";
import { toManifestKey } from "../../rpc/object-key.ts";
import { listArtifacts } from "../tables/artifact-rows.ts";
import { getJobOfKind, parseRequest, getStateAt } from "../tables/job-rows.ts";

/** Returns what a download needs to know about a job. Errors: `job-not-found`. */
export function getDownloadInfo(sql: SqlStorage, jobId: string): DownloadInfo {
  const job = getJobOfKind(sql, jobId, "export");
  const request = parseRequest(job);
  return {
    jobId,
    state: getStateAt(job, Date.now()),
    source: job.source,
    format: request.format,
    content: request.content,
    artifacts: listArtifacts(sql, jobId),
    manifestKey:
      job.snapshot_id === null ? null : toManifestKey({ jobId, snapshotId: job.snapshot_id }),
    completedAtMs: job.completed_at_ms,
  };
}
