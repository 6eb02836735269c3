import type { ChunkCommit, NextAction, PlanRecord } from "../../rpc/checkpoint.ts";
import type { ArtifactId } from "../../rpc/run-jobs.ts";
import type { RunParams } from "../../rpc/run-payload.ts";
import type { JobsContext } from "../jobs-context.ts";
import { requireSpaceForFiles } from "../require-space.ts";
import { commitChunk, moveArtifactIf, nextAction, recordPlan } from "../tables/chunk-ledger.ts";
import { getJob, getJobOfRun } from "../tables/job-rows.ts";
import { countStep } from "./run-record.ts";

/** Records a plan. Errors: `run-superseded`, `try-overtaken`, `inline-storage-full`. */
export function commitPlan(context: JobsContext, plan: PlanRecord): NextAction {
  const { sql, storage } = context;
  return storage.transactionSync(() => {
    recordPlan(sql, plan, Date.now());
    // A dump that was read in one turn is stored in the jobs' database too.
    requireSpaceForFiles(context, 0);
    countStep(sql, plan.jobId);
    return nextAction(sql, getJob(sql, plan.jobId));
  });
}

/** Commits a chunk. Errors: `run-superseded`, `try-overtaken`, `inline-storage-full`. */
export function commitExportedChunk(context: JobsContext, commit: ChunkCommit): NextAction {
  const { sql, storage } = context;
  return storage.transactionSync(() => {
    commitChunk(sql, commit, Date.now());
    // The carry is stored in the jobs' database too.
    requireSpaceForFiles(context, 0);
    return nextAction(sql, getJob(sql, commit.jobId));
  });
}

/** Records the upload of an artifact that needs one. Errors: `run-superseded`. */
export function commitUpload(
  { sql, storage }: JobsContext,
  of: RunParams,
  upload: ArtifactId & { uploadId: string },
  r2ClassAOperations: number,
): { kept: boolean; next: NextAction } {
  return storage.transactionSync(() => {
    const job = getJobOfRun(sql, of);
    const move = { jobId: of.jobId, ...upload, from: "wants-upload", to: "uploading" } as const;
    const kept = moveArtifactIf(sql, move);
    countStep(sql, of.jobId, r2ClassAOperations);
    return { kept, next: nextAction(sql, job) };
  });
}

/** Records that an artifact's upload is an object. Errors: `run-superseded`. */
export function commitStored(
  { sql, storage }: JobsContext,
  of: RunParams,
  artifact: ArtifactId,
  r2ClassAOperations: number,
): NextAction {
  return storage.transactionSync(() => {
    const job = getJobOfRun(sql, of);
    moveArtifactIf(sql, { jobId: of.jobId, ...artifact, from: "written", to: "stored" });
    countStep(sql, of.jobId, r2ClassAOperations);
    return nextAction(sql, job);
  });
}

/** Records the hashes of artifacts that were read back. Errors: `run-superseded`. */
export function commitVerified(
  { sql, storage }: JobsContext,
  of: RunParams,
  artifacts: readonly (ArtifactId & { sha256: string; crc32: number | null })[],
): null {
  return storage.transactionSync(() => {
    getJobOfRun(sql, of);
    for (const artifact of artifacts) {
      moveArtifactIf(sql, { jobId: of.jobId, ...artifact, from: "stored", to: "verified" });
    }
    countStep(sql, of.jobId);
    return null;
  });
}
