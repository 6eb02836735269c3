import type { CopiedPart } from "../../rpc/copy-jobs.ts";
import type { RunId } from "../../rpc/run-payload.ts";
import type { BegunSealing, SealedFile } from "../../rpc/seal-jobs.ts";
import { forgetObject } from "../../storage/inline/inline-objects.ts";
import type { JobsContext } from "../jobs-context.ts";
import { findArtifact } from "../tables/artifact-rows.ts";
import { findSealing, recordSealing, replaceBySealed } from "../tables/artifact-sealing-columns.ts";
import { insertDiscard } from "../tables/discard-rows.ts";
import { getJobOfRun } from "../tables/job-rows.ts";
import { countStep } from "../tables/job-run-columns.ts";
import { removeDiscardsNow } from "./remove-discards.ts";
import { scheduleWatchdog } from "./schedule-watchdog.ts";

/**
 * Records the start of a sealing, and removes the one that it replaces. `kept` is false if the
 * artifact has another one, or is sealed. Errors: `run-superseded`.
 */
export async function beginSealing(
  context: JobsContext,
  run: RunId,
  { ordinal, replaces, sealing }: BegunSealing,
): Promise<{ kept: boolean }> {
  const { sql, storage } = context;
  const begun = storage.transactionSync(() => {
    const { job_id: jobId } = getJobOfRun(sql, run);
    const current = findSealing(sql, jobId, ordinal);
    const isPlain = findArtifact(sql, jobId, ordinal)?.plain === null;
    if (!isPlain || (current?.key ?? null) !== replaces) return { kept: false };
    if (current !== null) {
      const { key: objectKey, uploadId } = current;
      insertDiscard(sql, { objectKey, uploadId }, { jobId, nowMs: Date.now() });
      forgetObject(sql, objectKey);
    }
    recordSealing(sql, jobId, { ordinal, sealing });
    return { kept: true };
  });
  if (begun.kept && replaces !== null) {
    await scheduleWatchdog(context);
    // Now: the jobs database may have no space for both.
    await removeDiscardsNow(context, run.jobId);
  }
  return begun;
}

/** Records parts that follow the recorded ones. Errors: `run-superseded`. */
export function recordSealedParts(
  { sql, storage }: JobsContext,
  run: RunId,
  { ordinal, key, parts }: { ordinal: number; key: string; parts: CopiedPart[] },
): null {
  storage.transactionSync(() => {
    const { job_id: jobId } = getJobOfRun(sql, run);
    const sealing = findSealing(sql, jobId, ordinal);
    if (sealing?.key !== key || parts[0]?.number !== sealing.parts.length + 1) return;
    recordSealing(sql, jobId, {
      ordinal,
      sealing: { ...sealing, parts: [...sealing.parts, ...parts] },
    });
  });
  return null;
}

/**
 * Replaces a plain artifact by its sealed file, and removes the plain one. The watchdog removes it
 * once more, since a killed attempt may have written it again. Errors: `run-superseded`.
 */
export async function commitSealed(
  context: JobsContext,
  run: RunId,
  sealed: SealedFile,
): Promise<null> {
  const { sql, storage } = context;
  storage.transactionSync(() => {
    const { job_id: jobId } = getJobOfRun(sql, run);
    const sealing = findSealing(sql, jobId, sealed.ordinal);
    const artifact = findArtifact(sql, jobId, sealed.ordinal);
    if (sealing?.key !== sealed.key || artifact?.state !== "verified") return;
    const { name, contentType, bytes, sha256, objectKey } = artifact;
    const plain = { name, contentType, bytes, sha256 };
    replaceBySealed(sql, jobId, { plain, sealed, partCount: sealing.parts.length });
    insertDiscard(sql, { objectKey, uploadId: "" }, { jobId, nowMs: Date.now() });
    forgetObject(sql, objectKey);
    countStep(sql, jobId, sealed.r2ClassAOperations);
  });
  await scheduleWatchdog(context);
  await removeDiscardsNow(context, run.jobId);
  return null;
}
