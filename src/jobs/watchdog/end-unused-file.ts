import { listActiveUsers } from "../commands/use-file.ts";
import { discardFile } from "../commands/remove-file.ts";
import { removeDiscardsNow } from "../commands/remove-discards.ts";
import type { JobsContext } from "../jobs-context.ts";
import { findFile, getFileDueMs, parseUsers, recordFileUse } from "../tables/file-rows.ts";
import { findJob } from "../tables/job-rows.ts";

/**
 * Discards a file that nobody has used for a day. While an active job reads a file, the file is in use. The end of
 * the last such job counts as its last use.
 */
export async function endUnusedFile(
  context: JobsContext,
  { fileId, nowMs }: { fileId: string; nowMs: number },
): Promise<void> {
  const { sql } = context;
  const file = findFile(sql, fileId);
  if (file === undefined) return;
  const users = listActiveUsers(sql, file);
  const ends = parseUsers(file).map((jobId) => findJob(sql, jobId)?.completed_at_ms ?? 0);
  const lastUsedMs = users.length > 0 ? nowMs : Math.max(file.used_at_ms, ...ends);
  if (getFileDueMs({ used_at_ms: lastUsedMs }) > nowMs) {
    recordFileUse(sql, fileId, { atMs: lastUsedMs, users });
    return;
  }
  discardFile(context, fileId);
  await removeDiscardsNow(context, fileId);
}
