import { dropLeftBytes } from "../../storage/inline/inline-objects.ts";
import { openOuterFiles } from "../../storage/open-artifact-store.ts";
import type { JobsContext } from "../jobs-context.ts";
import { listDiscards } from "../tables/discard-rows.ts";

/**
 * Removes everything that a job has discarded from the store. Safe to repeat. Errors:
 * `storage-unavailable`.
 */
export async function removeDiscards(context: JobsContext, jobId: string): Promise<void> {
  const { sql, env } = context;
  await dropLeftBytes(sql, jobId);
  const outer = openOuterFiles(env);
  const discards = listDiscards(sql, jobId);
  for (const { objectKey: key, uploadId } of discards) {
    if (uploadId !== "") await outer.abortUpload({ key, uploadId });
  }
  await outer.delete(discards.map((discard) => discard.objectKey));
}

/** Removes what a job has just discarded; the watchdog removes what could not be removed. */
export async function removeDiscardsNow(context: JobsContext, jobId: string): Promise<void> {
  await removeDiscards(context, jobId).catch((cause: unknown) => {
    console.warn({ message: "files not removed yet", jobId, cause: String(cause) });
  });
}
