import { removeDiscards } from "./discards.ts";
import { type JobRow, listArtifacts } from "./job-rows.ts";
import type { JobsContext } from "./jobs-context.ts";
import { openArtifactStore } from "./open-artifact-store.ts";

/** Where a job's manifest is stored: beside its artifacts. */
export function manifestKeyOf(job: { job_id: string; snapshot_id: string | null }): string {
  return `exports/${job.job_id}/${job.snapshot_id}/manifest.json`;
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
export async function giveUpUploads({ sql, env }: JobsContext, jobId: string): Promise<void> {
  const store = openArtifactStore(env);
  for (const { uploadId, objectKey, state } of listArtifacts(sql, jobId)) {
    if (uploadId !== null && (state === "uploading" || state === "written")) {
      await store.abortUpload({ key: objectKey, uploadId });
    }
  }
  sql.exec("DELETE FROM tmp_export_job_blobs WHERE job_id = ?", jobId);
}

/** Removes a job's artifacts and manifest from the store, discarded ones too. May be repeated. */
export async function deleteFiles(context: JobsContext, job: JobRow): Promise<void> {
  const { sql, env } = context;
  await removeDiscards(context, job.job_id);
  const keys = listArtifacts(sql, job.job_id).map((artifact) => artifact.objectKey);
  if (job.snapshot_id !== null) keys.push(manifestKeyOf(job));
  await openArtifactStore(env).delete(keys);
}
