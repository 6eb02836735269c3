import { ExportError } from "../../api/errors.ts";
import { forgetObjects } from "../../storage/inline/inline-objects.ts";
import type { JobsContext } from "../jobs-context.ts";
import { insertDiscard } from "../tables/discard-rows.ts";
import { deleteFileParts } from "../tables/file-part-rows.ts";
import { deleteFileRow, findFile } from "../tables/file-rows.ts";
import { removeDiscards } from "./remove-discards.ts";
import { scheduleWatchdog } from "./schedule-watchdog.ts";
import { listActiveUsers } from "./use-file.ts";

/**
 * Removes a file and everything stored for it. An unknown file counts as removed. Errors: `file-in-use` while an
 * active job reads it; `storage-unavailable` if the store does not delete it (the watchdog retries it).
 */
export async function removeFile(context: JobsContext, fileId: string): Promise<null> {
  const file = findFile(context.sql, fileId);
  if (file === undefined) return null;
  const [jobId] = listActiveUsers(context.sql, file);
  if (jobId !== undefined) {
    throw new ExportError("file-in-use", `job ${jobId} reads the file`, { details: { jobId } });
  }
  discardFile(context, fileId);
  await scheduleWatchdog(context);
  await removeDiscards(context, fileId);
  return null;
}

/**
 * Removes every row of a file. `removeDiscards` and the watchdog remove what the store has, as for a job. Does
 * nothing if there is no such file.
 */
export function discardFile({ sql, storage }: JobsContext, fileId: string): void {
  storage.transactionSync(() => {
    const file = findFile(sql, fileId);
    if (file === undefined) return;
    // A completed file may have an upload that was never recorded as complete, so both are removed.
    const discard = { objectKey: file.object_key, uploadId: file.upload_id ?? "" };
    insertDiscard(sql, discard, { jobId: fileId, nowMs: Date.now() });
    forgetObjects(sql, fileId);
    deleteFileParts(sql, fileId);
    deleteFileRow(sql, fileId);
  });
}
