import { PART_BYTES_DEFAULT } from "../../api/limits.ts";
import type { RecordedPlan, RunningJob } from "../../rpc/run-jobs.ts";
import {
  type JobRow,
  parseRequest,
  parseRescues,
  parseSnapshot,
  parseWarnings,
  parseWriter,
} from "../tables/job-rows.ts";
import { getFolder } from "./job-folder.ts";
import { toProofView } from "./proof-view.ts";

/** Returns a job as its run sees it. */
export function toRunningJob(job: JobRow): RunningJob {
  return {
    jobId: job.job_id,
    request: parseRequest(job),
    createdAtMs: job.created_at_ms,
    // Null only in the rows of an earlier version.
    partBytes: job.part_bytes ?? PART_BYTES_DEFAULT,
    rescuedFor: parseRescues(job).at(-1)?.reason ?? null,
    // A plan, or an opening that did not end in a configuration error, shows that the source was
    // there.
    hasReachedSource: job.checkpoint > 0 || job.snapshot_open === 1,
    warnings: parseWarnings(job),
    proof: toProofView(job),
    plan: findPlan(job),
  };
}

function findPlan(job: JobRow): RecordedPlan | null {
  if (job.cursor_json === null || job.snapshot_id === null) return null;
  return {
    snapshotId: job.snapshot_id,
    folder: getFolder(job),
    snapshotAtMs: job.snapshot_at_ms ?? job.created_at_ms,
    snapshot: parseSnapshot(job),
    catalogDigest: job.catalog_digest ?? "",
    planDigest: job.plan_digest,
    writer: parseWriter(job),
  };
}
