import { ExportError } from "../api/errors.ts";
import { isActive } from "../api/job-state.ts";
import { isScriptKey, parseObjectKey } from "../rpc/object-key.ts";
import { isReadableKey } from "../rpc/readable-key.ts";
import type { InlineContext } from "../storage/inline/inline-context.ts";
import type { JobsContext } from "./jobs-context.ts";
import { requireRoom } from "./require-space.ts";
import { getFile } from "./tables/file-rows.ts";
import { findJob } from "./tables/job-rows.ts";

/** Returns what the inline store needs from the jobs object. */
export function inlineContext(context: JobsContext): InlineContext {
  const { sql } = context;
  return {
    sql,
    requireWritable: (key) => requireWritable(sql, key),
    requireSpace: (bytes) => requireRoom(context, bytes),
  };
}

/**
 * Requires that an active job writes the file, for the snapshot that the job reads, or that the file is an
 * upload. Errors: `run-superseded`, `file-not-found`, `artifact-corrupt` if the file was planned for a bucket.
 */
function requireWritable(sql: SqlStorage, key: string): void {
  const { jobId, snapshotId } = parseObjectKey(key);
  if (isScriptKey(key)) {
    getFile(sql, jobId);
    return;
  }
  if (isReadableKey(key)) {
    throw new ExportError("artifact-corrupt", `${key} belongs in a bucket that is no longer bound`);
  }
  const job = findJob(sql, jobId);
  if (job !== undefined && isActive(job.state) && job.snapshot_id === snapshotId) return;
  throw new ExportError("run-superseded", `no job writes ${key} anymore`);
}
