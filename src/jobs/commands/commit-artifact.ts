import type { NextAction } from "../../rpc/next-action.ts";
import type { ArtifactId, CopyPlan } from "../../rpc/run-jobs.ts";
import type { RunId } from "../../rpc/run-payload.ts";
import type { JobsContext } from "../jobs-context.ts";
import { moveArtifactIf } from "../tables/artifact-rows.ts";
import { getJobOfRun } from "../tables/job-rows.ts";
import { countStep } from "../tables/job-run-columns.ts";
import { findNextCopy, hasCopies } from "../views/copies.ts";
import { decideNextAction } from "../views/decide-next-action.ts";

/**
 * Records the upload of an artifact that needs one; `kept` is false if it already has one. Errors:
 * `run-superseded`.
 */
export function commitUpload(
  { sql, storage }: JobsContext,
  run: RunId,
  upload: ArtifactId & { uploadId: string },
  r2ClassAOperations: number,
): { kept: boolean; next: NextAction } {
  return storage.transactionSync(() => {
    const job = getJobOfRun(sql, run);
    const move = { jobId: run.jobId, ...upload, from: "wants-upload", to: "uploading" } as const;
    const kept = moveArtifactIf(sql, move);
    countStep(sql, run.jobId, r2ClassAOperations);
    return { kept, next: decideNextAction(sql, job) };
  });
}

/** Records that an artifact's upload became an object. Errors: `run-superseded`. */
export function commitStored(
  { sql, storage }: JobsContext,
  run: RunId,
  artifact: ArtifactId,
  r2ClassAOperations: number,
): NextAction {
  return storage.transactionSync(() => {
    const job = getJobOfRun(sql, run);
    moveArtifactIf(sql, { jobId: run.jobId, ...artifact, from: "written", to: "stored" });
    countStep(sql, run.jobId, r2ClassAOperations);
    return decideNextAction(sql, job);
  });
}

/**
 * Records the hashes of artifacts that were read back, and returns the plan of the copies. Errors:
 * `run-superseded`.
 */
export function commitVerified(
  { sql, storage }: JobsContext,
  run: RunId,
  artifacts: readonly (ArtifactId & { sha256: string; crc32: number | null })[],
): CopyPlan {
  return storage.transactionSync(() => {
    const job = getJobOfRun(sql, run);
    for (const artifact of artifacts) {
      moveArtifactIf(sql, { jobId: run.jobId, ...artifact, from: "stored", to: "verified" });
    }
    countStep(sql, run.jobId);
    return hasCopies(sql, run.jobId) ? { next: findNextCopy(sql, job) } : null;
  });
}
