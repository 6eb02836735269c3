/**
 * How long a discarded file is remembered after its first removal: an attempt that was killed may
 * still send.
 */
const LATE_MS = 60_000;

/** A file, or a scratch database, that its job has discarded. */
export interface Discard {
  /** The key of the file; of a scratch database, its object's name. */
  objectKey: string;
  /** The multipart upload that must be aborted; empty for none. */
  uploadId: string;
  isScratch?: boolean;
}

/** Inserts a discarded file, unless it is already listed. */
export function insertDiscard(
  sql: SqlStorage,
  { objectKey, uploadId, isScratch = false }: Discard,
  { jobId, nowMs }: { jobId: string; nowMs: number },
): void {
  sql.exec(
    `INSERT OR IGNORE INTO tmp_export_job_discards (job_id, object_key, upload_id, discarded_at_ms, is_scratch)
     VALUES (?, ?, ?, ?, ?)`,
    jobId,
    objectKey,
    uploadId,
    nowMs,
    isScratch ? 1 : 0,
  );
}

/** Returns what a job has discarded but the store may still have. */
export function listDiscards(sql: SqlStorage, jobId: string): Discard[] {
  return sql
    .exec<{ object_key: string; upload_id: string; is_scratch: number }>(
      "SELECT object_key, upload_id, is_scratch FROM tmp_export_job_discards WHERE job_id = ?",
      jobId,
    )
    .toArray()
    .map((row) => ({
      objectKey: row.object_key,
      uploadId: row.upload_id,
      isScratch: row.is_scratch === 1,
    }));
}

/** True if another job, whose id begins with `prefix`, has discarded something. */
export function hasDiscardsLike(
  sql: SqlStorage,
  { jobId, prefix }: { jobId: string; prefix: string },
): boolean {
  // Hex digits and `-` sort before `g`.
  const [discard] = sql
    .exec(
      `SELECT 1 FROM tmp_export_job_discards
       WHERE job_id > ?1 AND job_id < ?1 || 'g' AND job_id <> ?2 LIMIT 1`,
      prefix,
      jobId,
    )
    .toArray();
  return discard !== undefined;
}

/**
 * Returns jobs whose discards are due for their last removal: at most `limit`, the longest overdue
 * first. A job that has discarded at several times is listed as often.
 */
export function listDiscardingJobs(
  sql: SqlStorage,
  { nowMs, limit }: { nowMs: number; limit: number },
): string[] {
  return sql
    .exec<{ job_id: string }>(
      `SELECT job_id FROM tmp_export_job_discards WHERE discarded_at_ms <= ?
       GROUP BY discarded_at_ms, job_id ORDER BY discarded_at_ms, job_id LIMIT ?`,
      nowMs - LATE_MS,
      limit,
    )
    .toArray()
    .map((row) => row.job_id);
}

/** Returns when the first discards are due to be removed for the last time; null if there are none. */
export function findFirstDiscardMs(sql: SqlStorage): number | null {
  const [first] = sql
    .exec<{ discarded_at_ms: number }>(
      `SELECT discarded_at_ms FROM tmp_export_job_discards WHERE discarded_at_ms >= 0
       ORDER BY discarded_at_ms LIMIT 1`,
    )
    .toArray();
  return first === undefined ? null : first.discarded_at_ms + LATE_MS;
}

/** Forgets the discards of a job that are due at `nowMs`. */
export function deleteDueDiscards(sql: SqlStorage, jobId: string, nowMs: number): void {
  sql.exec(
    "DELETE FROM tmp_export_job_discards WHERE job_id = ? AND discarded_at_ms <= ?",
    jobId,
    nowMs - LATE_MS,
  );
}

/**
 * Postpones the discards of a job that are due at `nowMs` by another minute, so that other jobs
 * come first.
 */
export function postponeDueDiscards(sql: SqlStorage, jobId: string, nowMs: number): void {
  sql.exec(
    `UPDATE tmp_export_job_discards SET discarded_at_ms = ?
     WHERE job_id = ? AND discarded_at_ms <= ?`,
    nowMs,
    jobId,
    nowMs - LATE_MS,
  );
}
