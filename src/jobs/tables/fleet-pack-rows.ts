import type { BatchAttempt, BatchCommit, PackRecord } from "../../rpc/fleet-jobs.ts";

/** A complete row of `tmp_export_fleet_packs`; docs/storage-layout.md describes the columns. */
export type PackRow = {
  job_id: string;
  number: number;
  attempt: string;
  /** Empty if the pack needed no upload, or has none yet. */
  upload_id: string;
  members: number;
  rows: number;
  bytes: number;
  index_bytes: number;
} & (
  | { first_member: null; last_member: null; sha256: null; index_sha256: null }
  | { first_member: string; last_member: string; sha256: string; index_sha256: string }
);

/** A row of a pack that is stored. */
export type StoredPackRow = Extract<PackRow, { sha256: string }>;

/** Returns a stored pack, with the keys of its objects. */
export function toPackRecord(
  row: StoredPackRow,
  { pack: key, index: indexKey }: { pack: string; index: string },
): PackRecord {
  return {
    number: row.number,
    key,
    indexKey,
    members: row.members,
    rows: row.rows,
    bytes: row.bytes,
    sha256: row.sha256,
    indexBytes: row.index_bytes,
    indexSha256: row.index_sha256,
    first: row.first_member,
    last: row.last_member,
  };
}

/** Inserts an attempt of a batch that has stored nothing yet. Does nothing if it is known. */
export function insertPackAttempt(sql: SqlStorage, jobId: string, batch: BatchAttempt): void {
  sql.exec(
    "INSERT OR IGNORE INTO tmp_export_fleet_packs (job_id, number, attempt) VALUES (?, ?, ?)",
    jobId,
    batch.number,
    batch.attempt,
  );
}

/** Records the upload of an attempt, and reports whether the attempt still counts. */
export function recordPackUploadIf(
  sql: SqlStorage,
  jobId: string,
  { number, attempt, uploadId }: BatchAttempt & { uploadId: string },
): boolean {
  const { rowsWritten } = sql.exec(
    "UPDATE tmp_export_fleet_packs SET upload_id = ? WHERE job_id = ? AND number = ? AND attempt = ?",
    uploadId,
    jobId,
    number,
    attempt,
  );
  return rowsWritten > 0;
}

/** Records that an attempt's pack is stored. */
export function recordStoredPack(
  sql: SqlStorage,
  jobId: string,
  { number, attempt }: BatchAttempt,
  pack: NonNullable<BatchCommit["pack"]>,
): void {
  sql.exec(
    `UPDATE tmp_export_fleet_packs SET first_member = ?, last_member = ?, members = ?, rows = ?, bytes = ?,
       sha256 = ?, index_bytes = ?, index_sha256 = ? WHERE job_id = ? AND number = ? AND attempt = ?`,
    pack.first,
    pack.last,
    pack.members,
    pack.rows,
    pack.bytes,
    pack.sha256,
    pack.indexBytes,
    pack.indexSha256,
    jobId,
    number,
    attempt,
  );
}

/** Returns the attempts of one batch. */
export function listPackAttempts(sql: SqlStorage, jobId: string, number: number): PackRow[] {
  return sql
    .exec<PackRow>(
      "SELECT * FROM tmp_export_fleet_packs WHERE job_id = ? AND number = ?",
      jobId,
      number,
    )
    .toArray();
}

/** Returns all attempts and packs of a fleet, in order. */
export function listAllPacks(sql: SqlStorage, jobId: string): PackRow[] {
  return sql
    .exec<PackRow>("SELECT * FROM tmp_export_fleet_packs WHERE job_id = ? ORDER BY number", jobId)
    .toArray();
}

/** Returns the first `limit` stored packs of a fleet that have names from `from` to `last`, in order. */
export function listStoredPacks(
  sql: SqlStorage,
  jobId: string,
  { from, last = null, limit }: { from: string; last?: string | null; limit: number },
): StoredPackRow[] {
  return sql
    .exec<StoredPackRow>(
      `SELECT * FROM tmp_export_fleet_packs
       WHERE job_id = ?1 AND last_member >= ?2 AND last_member IS NOT NULL
         AND (?3 IS NULL OR first_member <= ?3)
       ORDER BY last_member LIMIT ?4`,
      jobId,
      from,
      last,
      limit,
    )
    .toArray();
}

export function deletePackAttempt(sql: SqlStorage, jobId: string, batch: BatchAttempt): void {
  sql.exec(
    "DELETE FROM tmp_export_fleet_packs WHERE job_id = ? AND number = ? AND attempt = ?",
    jobId,
    batch.number,
    batch.attempt,
  );
}

export function deletePacks(sql: SqlStorage, jobId: string): void {
  sql.exec("DELETE FROM tmp_export_fleet_packs WHERE job_id = ?", jobId);
}
