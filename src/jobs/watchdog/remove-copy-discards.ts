import { readSettings } from "../../config/settings.ts";
import { isLocalOrigin } from "../../lib/local-origin.ts";
import { openBucket } from "../../storage/destinations/open-destination.ts";
import type { JobsContext } from "../jobs-context.ts";
import {
  deleteCopyDiscards,
  type DueCopyDiscards,
  listCopyDiscards,
  postponeCopyDiscards,
} from "../tables/copy-discard-rows.ts";

/**
 * Removes what a job has discarded at a destination, and forgets it. A removal that fails is
 * repeated for days, with growing waits. Errors: those of the destination.
 */
export async function removeCopyDiscards(
  { sql, env }: JobsContext,
  due: DueCopyDiscards,
  nowMs: number,
): Promise<void> {
  const { jobId, destination, origin } = due;
  try {
    const localDevelopment = isLocalOrigin(origin);
    const store = openBucket(env, readSettings(env), destination, { localDevelopment });
    const discards = listCopyDiscards(sql, due);
    for (const { objectKey: key, uploadId } of discards) {
      if (uploadId !== "") await store.abortUpload({ key, uploadId });
    }
    await store.delete(discards.map(({ objectKey }) => objectKey));
  } catch (cause) {
    const left = postponeCopyDiscards(sql, due, nowMs);
    if (left > 0) {
      console.error({ message: "objects of a copy were not removed", jobId, destination, left });
    }
    throw cause;
  }
  deleteCopyDiscards(sql, due, nowMs);
}
