import type { CopyState, ManifestCopy } from "../../api/copies.ts";
import type { Failure } from "../../api/errors.ts";
import type { CopiedPart, CopyCommit, CopyUpload } from "../../rpc/copy-jobs.ts";

/** A row of `tmp_export_job_copies`; docs/storage-layout.md describes the columns. */
type CopyRow = {
  destination: string;
  state: CopyState;
  folder: string;
  is_sealed: number;
  steps: number;
  files_done: number;
  bytes: number;
  upload_json: string | null;
  restarts: number;
  failures: number;
  failure_json: string | null;
  copied_at_ms: number | null;
};

/** A copy of a job at one destination. */
export interface CopyRecord {
  destination: string;
  state: CopyState;
  /** What the keys of its objects start with. */
  folder: string;
  isSealed: boolean;
  /** How many steps are committed. */
  steps: number;
  /** How many files, in the job's order, have arrived and were checked; their bytes. */
  filesDone: number;
  bytes: number;
  /** The upload of the next file; null if it has none. */
  upload: CopyUpload | null;
  restarts: number;
  failures: number;
  /** Why it failed last. */
  failure: Failure | null;
  copiedAtMs: number | null;
}

/** Inserts the copies that a new job must make. */
export function insertCopies(
  sql: SqlStorage,
  jobId: string,
  copies: readonly ManifestCopy[],
): void {
  for (const { destination, folder, sealed } of copies) {
    sql.exec(
      `INSERT INTO tmp_export_job_copies (job_id, destination, state, folder, is_sealed)
       VALUES (?, ?, ?, ?, ?)`,
      jobId,
      destination,
      "pending" satisfies CopyState,
      folder,
      sealed ? 1 : 0,
    );
  }
}

/** Returns a job's copies, by destination. */
export function listCopies(sql: SqlStorage, jobId: string): CopyRecord[] {
  return sql
    .exec<CopyRow>(
      `SELECT destination, state, folder, is_sealed, steps, files_done, bytes, upload_json, restarts, failures,
         failure_json, copied_at_ms
       FROM tmp_export_job_copies WHERE job_id = ? ORDER BY destination`,
      jobId,
    )
    .toArray()
    .map((row) => ({
      destination: row.destination,
      state: row.state,
      folder: row.folder,
      isSealed: row.is_sealed === 1,
      steps: row.steps,
      filesDone: row.files_done,
      bytes: row.bytes,
      upload: row.upload_json === null ? null : (JSON.parse(row.upload_json) as CopyUpload),
      restarts: row.restarts,
      failures: row.failures,
      failure: row.failure_json === null ? null : (JSON.parse(row.failure_json) as Failure),
      copiedAtMs: row.copied_at_ms,
    }));
}

/** Returns the parts that a copy's upload has, in order. */
export function listCopyParts(sql: SqlStorage, jobId: string, destination: string): CopiedPart[] {
  return sql
    .exec<{ parts_json: string }>(
      `SELECT parts_json FROM tmp_export_job_copy_parts
       WHERE job_id = ? AND destination = ? ORDER BY step`,
      jobId,
      destination,
    )
    .toArray()
    .flatMap((row) => JSON.parse(row.parts_json) as CopiedPart[]);
}

/** Writes the end of a step. Call it inside a transaction. */
export function writeCopyStep(
  sql: SqlStorage,
  jobId: string,
  { task, finished, upload, parts, isRestart }: CopyCommit,
): void {
  const { destination, number } = task;
  if (finished.files > 0 || isRestart) deleteCopyParts(sql, jobId, destination);
  if (parts.length > 0) {
    sql.exec(
      `INSERT INTO tmp_export_job_copy_parts (job_id, destination, step, parts_json)
       VALUES (?, ?, ?, ?)`,
      jobId,
      destination,
      number,
      JSON.stringify(parts),
    );
  }
  sql.exec(
    `UPDATE tmp_export_job_copies SET steps = ?, files_done = files_done + ?, bytes = bytes + ?,
       upload_json = ?, restarts = iif(?, restarts + 1, iif(?, 0, restarts))
     WHERE job_id = ? AND destination = ?`,
    number,
    finished.files,
    finished.bytes,
    upload === null ? null : JSON.stringify(upload),
    isRestart ? 1 : 0,
    finished.files > 0 ? 1 : 0,
    jobId,
    destination,
  );
}

/** Records that a copy is whole. */
export function recordCopied(
  sql: SqlStorage,
  jobId: string,
  { destination, nowMs }: { destination: string; nowMs: number },
): void {
  sql.exec(
    `UPDATE tmp_export_job_copies SET state = ?, copied_at_ms = ?, failure_json = NULL
     WHERE job_id = ? AND destination = ?`,
    "copied" satisfies CopyState,
    nowMs,
    jobId,
    destination,
  );
}

/** Records that a copy failed. What has arrived stays recorded. */
export function recordCopyFailure(
  sql: SqlStorage,
  jobId: string,
  failed: { destination: string; failure: Failure; to: "retrying" | "failed" },
): void {
  sql.exec(
    `UPDATE tmp_export_job_copies SET state = ?, failures = failures + 1, failure_json = ?
     WHERE job_id = ? AND destination = ?`,
    failed.to,
    JSON.stringify(failed.failure),
    jobId,
    failed.destination,
  );
}

/** Moves all copies of a job that are in one of the states `from`. */
export function moveCopies(
  sql: SqlStorage,
  jobId: string,
  { from, to }: { from: readonly CopyState[]; to: CopyState },
): void {
  sql.exec(
    `UPDATE tmp_export_job_copies SET state = ?
     WHERE job_id = ? AND state IN (SELECT value FROM json_each(?))`,
    to,
    jobId,
    JSON.stringify(from),
  );
}

/** Moves one copy, of which nothing is left at its destination, to `to`. `folder` is where it will be. */
export function recordCopyGone(
  sql: SqlStorage,
  jobId: string,
  {
    destination,
    folder,
    to,
  }: { destination: string; folder: string; to: "pending" | "failed" | "deleted" },
): void {
  deleteCopyParts(sql, jobId, destination);
  sql.exec(
    `UPDATE tmp_export_job_copies SET state = ?, folder = ?, files_done = 0, bytes = 0, upload_json = NULL,
       steps = steps + 1
     WHERE job_id = ? AND destination = ?`,
    to,
    folder,
    jobId,
    destination,
  );
}

/** Removes the rows of all copies of a job. */
export function deleteCopies(sql: SqlStorage, jobId: string): void {
  sql.exec("DELETE FROM tmp_export_job_copy_parts WHERE job_id = ?", jobId);
  sql.exec("DELETE FROM tmp_export_job_copies WHERE job_id = ?", jobId);
}

function deleteCopyParts(sql: SqlStorage, jobId: string, destination: string): void {
  sql.exec(
    "DELETE FROM tmp_export_job_copy_parts WHERE job_id = ? AND destination = ?",
    jobId,
    destination,
  );
}
