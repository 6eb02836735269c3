import { getScratch } from "../../config/scratch.ts";
import { dropLeftBytes } from "../../storage/inline/inline-objects.ts";
import { openOuterFiles } from "../../storage/open-artifact-store.ts";
import type { JobsContext } from "../jobs-context.ts";
import { listDiscards } from "../tables/discard-rows.ts";

/**
 * Removes everything that a job has discarded: its files, and its scratch database. Safe to repeat. Errors:
 * `storage-unavailable`, those of the scratch database.
 */
export async function removeDiscards(context: JobsContext, jobId: string): Promise<void> {
  const { sql, env } = context;
  await dropLeftBytes(sql, jobId);
  const outer = openOuterFiles(env);
  const discards = listDiscards(sql, jobId);
  const files = discards.filter(({ isScratch }) => isScratch !== true);
  for (const { objectKey: key, uploadId } of files) {
    if (uploadId !== "") await outer.abortUpload({ key, uploadId });
  }
  await outer.delete(files.map((discard) => discard.objectKey));
  // A class that is no longer bound cannot be called; its objects discard themselves.
  if (files.length === discards.length || env.EXPORT_SCRATCH === undefined) return;
  await getScratch(env, jobId).discard();
}

/** Removes what a job has just discarded; the watchdog removes what could not be removed. */
export async function removeDiscardsNow(context: JobsContext, jobId: string): Promise<void> {
  await removeDiscards(context, jobId).catch((cause: unknown) => {
    console.warn({ message: "files not removed yet", jobId, cause: String(cause) });
  });
}
