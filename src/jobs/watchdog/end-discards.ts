import { removeDiscards } from "../commands/remove-discards.ts";
import type { JobsContext } from "../jobs-context.ts";
import { deleteDueDiscards, postponeDueDiscards } from "../tables/discard-rows.ts";

/**
 * Removes a job's discards once more, and forgets those that are due at `nowMs`. Files that cannot
 * be removed wait for a minute, so that other jobs' discards come first. Errors:
 * `storage-unavailable`.
 */
export async function endDiscards(
  context: JobsContext,
  { jobId, nowMs }: { jobId: string; nowMs: number },
): Promise<void> {
  const { sql } = context;
  try {
    await removeDiscards(context, jobId);
  } catch (cause) {
    postponeDueDiscards(sql, jobId, nowMs);
    throw cause;
  }
  deleteDueDiscards(sql, jobId, nowMs);
}
