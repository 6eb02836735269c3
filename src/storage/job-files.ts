import { objectKeyOf } from "../model/object-key.ts";
import { dropCarry } from "./chunk-ledger.ts";
import { removeDiscards } from "./discards.ts";
import { discardObjects, isInlineUpload } from "./inline-objects.ts";
import { type JobRow, listArtifacts } from "./job-rows.ts";
import type { JobsContext } from "./jobs-context.ts";
import { r2ArtifactStore } from "./r2-artifact-store.ts";

/** Where a job's manifest is stored: beside its artifacts. */
export function manifestKeyOf(job: { job_id: string; snapshot_id: string | null }): string {
  return objectKeyOf({ jobId: job.job_id, snapshotId: job.snapshot_id, name: "manifest.json" });
}

/**
 * Removes everything that a job has in the store, for a job that ends without its artifacts or begins
 * again: uploads, objects, and what it carries. May be repeated.
 */
export async function discardFiles(context: JobsContext, job: JobRow): Promise<void> {
  await giveUpUploads(context, job.job_id);
  await deleteFiles(context, job);
}

/**
 * Discards the files of a job that has just ended without its artifacts. What resists, and what a try
 * that was killed may still send, is left to the watchdog, which does it again a minute later.
 */
export async function discardFilesNow(context: JobsContext, job: JobRow): Promise<void> {
  await discardFiles(context, job).catch((cause: unknown) => {
    console.warn({ message: "files not removed yet", jobId: job.job_id, cause: String(cause) });
  });
}

/** Gives up what a job has uploaded and not completed, and what it carries. May be repeated. */
async function giveUpUploads({ sql, env }: JobsContext, jobId: string): Promise<void> {
  dropCarry(sql, jobId);
  if (env.EXPORT_R2_BUCKET === undefined) return;
  const r2 = r2ArtifactStore(env.EXPORT_R2_BUCKET);
  for (const { uploadId, objectKey, state } of listArtifacts(sql, jobId)) {
    if (uploadId === null || isInlineUpload(uploadId)) continue;
    if (state === "uploading" || state === "written") {
      await r2.abortUpload({ key: objectKey, uploadId });
    }
  }
}

/**
 * Removes a job's artifacts and manifest, discarded ones too, from the bucket and from beside the job's
 * rows: one may have been bound since. May be repeated.
 */
export async function deleteFiles(context: JobsContext, job: JobRow): Promise<void> {
  const { sql, env } = context;
  await discardObjects(context, job.job_id);
  await removeDiscards(context, job.job_id);
  if (env.EXPORT_R2_BUCKET === undefined) return;
  const keys = listArtifacts(sql, job.job_id).map((artifact) => artifact.objectKey);
  if (job.snapshot_id !== null) keys.push(manifestKeyOf(job));
  await r2ArtifactStore(env.EXPORT_R2_BUCKET).delete(keys);
}
