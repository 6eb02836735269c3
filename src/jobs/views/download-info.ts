import type { DownloadInfo } from "../../rpc/http-jobs.ts";
import { toManifestKey, toSignatureKey } from "../../rpc/object-key.ts";
import { listArtifacts } from "../tables/artifact-rows.ts";
import { getJobOfKind, parseRequest, getStateAt } from "../tables/job-rows.ts";
import { findFolder } from "./job-folder.ts";
import { toNamedJob } from "./named-job.ts";

/** Returns what a download needs to know about a job. Errors: `job-not-found`. */
export function getDownloadInfo(sql: SqlStorage, jobId: string): DownloadInfo {
  const job = getJobOfKind(sql, jobId, "export");
  const request = parseRequest(job);
  const folder = findFolder(job);
  return {
    jobId,
    named: toNamedJob(job),
    state: getStateAt(job, Date.now()),
    source: job.source,
    format: request.format,
    content: request.content,
    artifacts: listArtifacts(sql, jobId),
    manifestKey: folder && toManifestKey({ folder }),
    signatureKey: folder && job.is_signed === 1 ? toSignatureKey({ folder }) : null,
    completedAtMs: job.completed_at_ms,
  };
}
