/*
 * `tmp_export_job_copy_discards`: what jobs have left at destinations, and the watchdog removes.
 */

/** The wait before the first removal, in milliseconds: an attempt that was killed may still send. */
const FIRST_MS = 60_000;

/** The longest wait is this many doublings of the first one: about 8 hours. */
const DOUBLINGS_MAX = 9;

/** After so many attempts, over four days, an object is left where it is. */
const ATTEMPTS_MAX = 18;

/** An object, or an upload, at a destination. */
export interface CopyDiscard {
  destination: string;
  objectKey: string;
  /** The multipart upload that must be aborted; empty for none. */
  uploadId: string;
}

/** Inserts what a job no longer needs at a destination. `origin` starts the job's links. */
export function insertCopyDiscard(
  sql: SqlStorage,
  { destination, objectKey, uploadId }: CopyDiscard,
  { jobId, origin, nowMs }: { jobId: string; origin: string; nowMs: number },
): void {
  sql.exec(
    `INSERT OR IGNORE INTO tmp_export_job_copy_discards
       (job_id, destination, object_key, upload_id, origin, attempts, due_at_ms)
     VALUES (?, ?, ?, ?, ?, 0, ?)`,
    jobId,
    destination,
    objectKey,
    uploadId,
    origin,
    nowMs + FIRST_MS,
  );
}

/** What is due of one job at one destination. */
export interface DueCopyDiscards {
  jobId: string;
  destination: string;
  origin: string;
}

/** Returns what is due: at most `limit`, the longest overdue first. */
export function listDueCopyDiscards(
  sql: SqlStorage,
  { nowMs, limit }: { nowMs: number; limit: number },
): DueCopyDiscards[] {
  return sql
    .exec<{ job_id: string; destination: string; origin: string }>(
      `SELECT job_id, destination, origin FROM tmp_export_job_copy_discards WHERE due_at_ms <= ?
       GROUP BY due_at_ms, job_id, destination ORDER BY due_at_ms, job_id, destination LIMIT ?`,
      nowMs,
      limit,
    )
    .toArray()
    .map((row) => ({ jobId: row.job_id, destination: row.destination, origin: row.origin }));
}

/** Returns everything that a job has discarded at a destination. */
export function listCopyDiscards(
  sql: SqlStorage,
  { jobId, destination }: DueCopyDiscards,
): CopyDiscard[] {
  return sql
    .exec<{ object_key: string; upload_id: string }>(
      `SELECT object_key, upload_id FROM tmp_export_job_copy_discards
       WHERE job_id = ? AND destination = ?`,
      jobId,
      destination,
    )
    .toArray()
    .map((row) => ({ destination, objectKey: row.object_key, uploadId: row.upload_id }));
}

/** Returns when the first discards are due; null if there are none. */
export function findFirstCopyDiscardMs(sql: SqlStorage): number | null {
  const [first] = sql
    .exec<{ due_at_ms: number }>(
      `SELECT due_at_ms FROM tmp_export_job_copy_discards WHERE due_at_ms >= 0
       ORDER BY due_at_ms LIMIT 1`,
    )
    .toArray();
  return first?.due_at_ms ?? null;
}

/** Forgets what a job had discarded at a destination, up to those that are due at `nowMs`. */
export function deleteCopyDiscards(
  sql: SqlStorage,
  { jobId, destination }: DueCopyDiscards,
  nowMs: number,
): void {
  sql.exec(
    `DELETE FROM tmp_export_job_copy_discards
     WHERE job_id = ? AND destination = ? AND due_at_ms <= ?`,
    jobId,
    destination,
    nowMs,
  );
}

/**
 * Postpones the removals of a job at a destination: the wait doubles each time. Forgets those that
 * were attempted too often, and returns how many.
 */
export function postponeCopyDiscards(
  sql: SqlStorage,
  { jobId, destination }: DueCopyDiscards,
  nowMs: number,
): number {
  sql.exec(
    `UPDATE tmp_export_job_copy_discards
     SET attempts = attempts + 1, due_at_ms = ?1 + (${FIRST_MS} << min(attempts, ${DOUBLINGS_MAX}))
     WHERE job_id = ?2 AND destination = ?3 AND due_at_ms <= ?1`,
    nowMs,
    jobId,
    destination,
  );
  return sql.exec(
    `DELETE FROM tmp_export_job_copy_discards
     WHERE job_id = ? AND destination = ? AND attempts >= ${ATTEMPTS_MAX}`,
    jobId,
    destination,
  ).rowsWritten;
}
