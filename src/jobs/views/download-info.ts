import type { DownloadInfo } from "../../rpc/http-jobs.ts";
import { findNamedObject } from "../../api/source-config.ts";
import { toManifestKey, toSignatureKey } from "../../rpc/object-key.ts";
import { listArtifacts } from "../tables/artifact-rows.ts";
import { getJobOfKind, parseRequest, getStateAt } from "../tables/job-rows.ts";

/** Returns what a download needs to know about a job. Errors: `job-not-found`. */
export function getDownloadInfo(sql: SqlStorage, jobId: string): DownloadInfo {
  const job = getJobOfKind(sql, jobId, "export");
  const request = parseRequest(job);
  const ids = job.snapshot_id === null ? null : { jobId, snapshotId: job.snapshot_id };
  const object = findNamedObject(parseRequest(job));
  return {
    jobId,
    named: { jobId, source: job.source, object, createdAtMs: job.created_at_ms },
    state: getStateAt(job, Date.now()),
    source: job.source,
    format: request.format,
    content: request.content,
    artifacts: listArtifacts(sql, jobId),
    manifestKey: ids && toManifestKey(ids),
    signatureKey: job.is_signed === 1 ? ids && toSignatureKey(ids) : null,
    completedAtMs: job.completed_at_ms,
  };
}
