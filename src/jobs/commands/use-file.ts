import { ExportError } from "../../api/errors.ts";
import { isActive } from "../../api/job-state.ts";
import type { UsableFile } from "../../rpc/upload-jobs.ts";
import { type FileRow, getFile, parseUsers, recordFileUse } from "../tables/file-rows.ts";
import { findJob } from "../tables/job-rows.ts";

/**
 * Marks a file as used by a job, and returns what the job needs to read it. May be repeated. Errors:
 * `file-not-found`, `file-not-complete`.
 */
export function useFile(sql: SqlStorage, fileId: string, jobId: string): UsableFile {
  const file = getFile(sql, fileId);
  if (file.completed_at_ms === null) {
    throw new ExportError("file-not-complete", `file ${fileId} is still being uploaded`);
  }
  const users = new Set([...listActiveUsers(sql, file), jobId]);
  recordFileUse(sql, fileId, { atMs: Date.now(), users: [...users] });
  const { object_key: key, etag, bytes, sha256, name } = file;
  return { key, etag, bytes, sha256, name };
}

/** Returns the active jobs that use a file. */
export function listActiveUsers(sql: SqlStorage, file: FileRow): string[] {
  return parseUsers(file).filter((jobId) => {
    const job = findJob(sql, jobId);
    return job !== undefined && isActive(job.state);
  });
}
