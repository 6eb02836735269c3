import type { StoredPart } from "../../rpc/stored-object.ts";

/** A part of a file, and the attempt that sent it. */
type PartAttemptId = { fileId: string; number: number; attempt: number };

/** Counts an attempt to store a part, and returns its number, from 1. The part's record stays. */
export function countPartAttempt(
  sql: SqlStorage,
  { fileId, number }: { fileId: string; number: number },
): number {
  return sql
    .exec<{ attempts: number }>(
      `INSERT INTO tmp_export_file_parts (file_id, number, attempts) VALUES (?, ?, 1)
       ON CONFLICT DO UPDATE SET attempts = attempts + 1 RETURNING attempts`,
      fileId,
      number,
    )
    .one().attempts;
}

/** Records what the store has for a part, if `attempt` is its newest attempt. Reports whether it did. */
export function recordPartIf(
  sql: SqlStorage,
  { fileId, number, attempt }: PartAttemptId,
  { etag, bytes }: Pick<StoredPart, "etag" | "bytes">,
): boolean {
  const recorded = sql.exec(
    `UPDATE tmp_export_file_parts SET etag = ?, bytes = ?
     WHERE file_id = ? AND number = ? AND attempts = ?`,
    etag,
    bytes,
    fileId,
    number,
    attempt,
  );
  return recorded.rowsWritten > 0;
}

/** Returns the first `limit` parts of a file that are stored, in order. */
export function listStoredParts(
  sql: SqlStorage,
  { fileId, limit }: { fileId: string; limit: number },
): StoredPart[] {
  return sql
    .exec<{ number: number; bytes: number; etag: string }>(
      `SELECT number, bytes, etag FROM tmp_export_file_parts
       WHERE file_id = ? AND etag IS NOT NULL ORDER BY number LIMIT ?`,
      fileId,
      limit,
    )
    .toArray();
}

/** Returns runs of consecutive stored parts, in order. */
export function listPartRuns(sql: SqlStorage, fileId: string): { first: number; last: number }[] {
  return sql
    .exec<{ first: number; last: number }>(
      `SELECT min(number) AS first, max(number) AS last FROM
         (SELECT number, number - row_number() OVER (ORDER BY number) AS run
          FROM tmp_export_file_parts WHERE file_id = ? AND etag IS NOT NULL)
       GROUP BY run ORDER BY first`,
      fileId,
    )
    .toArray();
}

/** Returns how many parts of a file are stored, and how many bytes they have. */
export function sumStoredParts(sql: SqlStorage, fileId: string): { parts: number; bytes: number } {
  return sql
    .exec<{ parts: number; bytes: number }>(
      `SELECT count(*) AS parts, coalesce(sum(bytes), 0) AS bytes FROM tmp_export_file_parts
       WHERE file_id = ? AND etag IS NOT NULL`,
      fileId,
    )
    .one();
}

/**
 * Deletes the records of parts that were sent more than once, and returns their numbers. If a part was sent once,
 * the store can only have what is recorded.
 */
export function forgetRepeatedParts(sql: SqlStorage, fileId: string): number[] {
  return sql
    .exec<{ number: number }>(
      `UPDATE tmp_export_file_parts SET etag = NULL, bytes = 0
       WHERE file_id = ? AND attempts > 1 RETURNING number`,
      fileId,
    )
    .toArray()
    .map(({ number }) => number)
    .toSorted((a, b) => a - b);
}

export function deleteFileParts(sql: SqlStorage, fileId: string): void {
  sql.exec("DELETE FROM tmp_export_file_parts WHERE file_id = ?", fileId);
}
