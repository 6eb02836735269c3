import type {
  OpenObject,
  PartPiece,
  StoredObject,
  StoredPart,
  Upload,
} from "../../rpc/stored-object.ts";
import { ExportError } from "../../api/errors.ts";
import { BLOB_BYTES_MAX } from "../../api/limits.ts";
import { parseObjectKey } from "../../rpc/object-key.ts";
import { assert } from "../../lib/assert.ts";
import { yieldTurn } from "../../lib/yield-turn.ts";
import { requireWholeList } from "../artifact-store.ts";
import type { InlineContext } from "./inline-context.ts";

/** How many row numbers each part reserves, so that an offset is enough to find a row. */
const ROWS_A_PART = 64;

/**
 * How many rows are deleted in one turn: 64 MiB took 0.3 s (November 2026), and the object cannot
 * answer during that time.
 */
const DELETED_ROWS_MAX = 64;

/** How the ids of this store's uploads start. */
const INLINE_UPLOAD = "inline-";

/** True if an upload was begun in this store, regardless of the store in use now. */
export function isInlineUpload(uploadId: string): boolean {
  return uploadId.startsWith(INLINE_UPLOAD);
}

/** Begins an upload. Errors: `run-superseded`. */
export function createUpload({ sql, requireWritable }: InlineContext, key: string): string {
  requireWritable(key);
  const { jobId } = parseObjectKey(key);
  const uploadId = `${INLINE_UPLOAD}${crypto.randomUUID()}`;
  sql.exec(
    "INSERT INTO tmp_export_job_uploads (job_id, object_key, upload_id) VALUES (?, ?, ?)",
    jobId,
    key,
    uploadId,
  );
  return uploadId;
}

/**
 * Stores a piece of a part. Call it inside a transaction. A part's first piece removes what earlier
 * attempts sent of the part. Errors: `run-superseded`, `inline-storage-full`, `artifact-corrupt` if
 * there is no such upload, `storage-unavailable` if another attempt is sending the same part.
 */
export function putPiece(context: InlineContext, piece: PartPiece): void {
  const { sql } = context;
  const { upload, number, etag, offset, bytes } = piece;
  assert(
    offset + bytes.byteLength <= ROWS_A_PART * BLOB_BYTES_MAX,
    "a part fits the rows that it reserves",
  );
  context.requireWritable(upload.key);
  const { jobId } = parseObjectKey(upload.key);
  if (findUpload(sql, upload)?.is_complete !== 0) throw noSuchUpload(upload);
  if (offset === 0) {
    deletePart(sql, jobId, upload.uploadId, number);
    sql.exec(
      "INSERT INTO tmp_export_job_parts (job_id, upload_id, number, etag, bytes) VALUES (?, ?, ?, ?, 0)",
      jobId,
      upload.uploadId,
      number,
      etag,
    );
  }
  context.requireSpace(bytes.byteLength);
  const { rowsWritten } = sql.exec(
    `UPDATE tmp_export_job_parts SET bytes = bytes + ?
     WHERE job_id = ? AND upload_id = ? AND number = ? AND etag = ? AND bytes = ?`,
    bytes.byteLength,
    jobId,
    upload.uploadId,
    number,
    etag,
    offset,
  );
  if (rowsWritten === 0) {
    throw new ExportError("storage-unavailable", `another attempt is sending part ${number}`);
  }
  for (let at = 0; at < bytes.byteLength; at += BLOB_BYTES_MAX) {
    sql.exec(
      `INSERT INTO tmp_export_job_blobs (job_id, kind, upload_id, number, bytes)
       VALUES (?, 'object', ?, ?, ?)`,
      jobId,
      upload.uploadId,
      toRowNumber(number, offset + at),
      // A view would be stored with its whole buffer.
      bytes.slice(at, at + BLOB_BYTES_MAX).buffer,
    );
  }
}

function toRowNumber(part: number, offset: number): number {
  return (part - 1) * ROWS_A_PART + Math.floor(offset / BLOB_BYTES_MAX);
}

/**
 * Creates the object from exactly `parts`, in place of any object with the same key. Call it inside
 * a transaction. Errors: `run-superseded`, `artifact-corrupt`.
 */
export function completeUpload(
  { sql, requireWritable }: InlineContext,
  upload: Upload,
  parts: readonly StoredPart[],
): StoredObject {
  requireWholeList(parts);
  requireWritable(upload.key);
  const { jobId } = parseObjectKey(upload.key);
  const bytes = parts.reduce((sum, part) => sum + part.bytes, 0);
  const found = findUpload(sql, upload);
  if (found?.is_complete !== 0) {
    // An earlier attempt may have succeeded although its answer was lost.
    const object = findObject(sql, upload.key);
    if (object?.bytes === bytes) return object;
    throw noSuchUpload(upload);
  }
  const partBytes = parts[0]?.bytes ?? 0;
  for (const part of parts) {
    const isLast = part.number === parts.length;
    if (isLast ? part.bytes > partBytes : part.bytes !== partBytes) {
      throw new ExportError("artifact-corrupt", `part ${part.number} is not as long as the first`);
    }
    requirePart(sql, { jobId, uploadId: upload.uploadId }, part);
  }
  // An attempt that was replaced may have sent more parts than the ledger lists.
  const firstUnused = toRowNumber(parts.length + 1, 0);
  sql.exec(
    `DELETE FROM tmp_export_job_blobs
     WHERE job_id = ? AND kind = 'object' AND upload_id = ? AND number >= ?`,
    jobId,
    upload.uploadId,
    firstUnused,
  );
  deleteParts(sql, jobId, upload.uploadId);
  deleteObject(sql, upload.key);
  sql.exec(
    `UPDATE tmp_export_job_uploads SET is_complete = 1, part_bytes = ?, bytes = ?
     WHERE job_id = ? AND object_key = ? AND upload_id = ?`,
    partBytes,
    bytes,
    jobId,
    upload.key,
    upload.uploadId,
  );
  return { bytes, etag: upload.uploadId };
}

function requirePart(
  sql: SqlStorage,
  { jobId, uploadId }: { jobId: string; uploadId: string },
  { number, etag, bytes }: StoredPart,
): void {
  const found = sql
    .exec<{ etag: string; bytes: number }>(
      `SELECT etag, bytes FROM tmp_export_job_parts
       WHERE job_id = ? AND upload_id = ? AND number = ?`,
      jobId,
      uploadId,
      number,
    )
    .toArray()[0];
  if (found?.etag === etag && found.bytes === bytes) return;
  throw new ExportError("artifact-corrupt", `part ${number} differs from the one in the ledger`);
}

/** Stores a small object whole. Call it inside a transaction. Errors: as `putPiece` and `completeUpload`. */
export function putObject(context: InlineContext, key: string, bytes: Uint8Array): StoredObject {
  const upload = { key, uploadId: createUpload(context, key) };
  const part = { number: 1, etag: upload.uploadId };
  putPiece(context, { upload, ...part, offset: 0, bytes });
  return completeUpload(context, upload, [{ ...part, bytes: bytes.byteLength }]);
}

/** Abandons an upload. Does nothing if it is completed or gone. Call it inside a transaction. */
export function abortUpload(sql: SqlStorage, upload: Upload): void {
  if (findUpload(sql, upload)?.is_complete === 0) deleteUpload(sql, upload);
}

/** Returns the completed object of a key. */
export function findObject(sql: SqlStorage, key: string): StoredObject | undefined {
  return sql
    .exec<{ bytes: number; etag: string }>(
      `SELECT bytes, upload_id AS etag FROM tmp_export_job_uploads
       WHERE job_id = ? AND object_key = ? AND is_complete = 1`,
      parseObjectKey(key).jobId,
      key,
    )
    .toArray()[0];
}

/**
 * Returns bytes of an object, starting at `offset`: at most `bytesMax`, and at most one row.
 * Errors: `artifact-corrupt` if the object is gone or ends before `offset`.
 */
export function readObject(
  sql: SqlStorage,
  { key, etag }: OpenObject,
  { offset, bytesMax }: { offset: number; bytesMax: number },
): Uint8Array<ArrayBuffer> {
  const upload = findUpload(sql, { key, uploadId: etag });
  if (upload?.is_complete !== 1 || offset >= upload.bytes) {
    throw new ExportError("artifact-corrupt", `${key} is no longer in the store`);
  }
  const inPart = offset % upload.part_bytes;
  const [row] = sql
    .exec<{ bytes: ArrayBuffer }>(
      `SELECT substr(bytes, ?, ?) AS bytes FROM tmp_export_job_blobs
       WHERE job_id = ? AND kind = 'object' AND upload_id = ? AND number = ?`,
      1 + (inPart % BLOB_BYTES_MAX),
      bytesMax,
      parseObjectKey(key).jobId,
      etag,
      toRowNumber(1 + Math.floor(offset / upload.part_bytes), inPart),
    )
    .toArray();
  if (row === undefined) throw new ExportError("artifact-corrupt", `bytes of ${key} are missing`);
  return new Uint8Array(row.bytes);
}

/** Removes an object; does nothing if it does not exist. Call it inside a transaction. */
export function deleteObject(sql: SqlStorage, key: string): void {
  const object = findObject(sql, key);
  if (object !== undefined) deleteUpload(sql, { key, uploadId: object.etag });
}

/** Removes the uploads of a job that were never completed, such as those of killed attempts. */
export function deleteUnfinished(sql: SqlStorage, jobId: string): void {
  const unfinished = sql
    .exec<{ object_key: string; upload_id: string }>(
      "SELECT object_key, upload_id FROM tmp_export_job_uploads WHERE job_id = ? AND is_complete = 0",
      jobId,
    )
    .toArray();
  for (const { object_key: key, upload_id: uploadId } of unfinished) {
    deleteUpload(sql, { key, uploadId });
  }
}

/**
 * Forgets all objects and uploads of a job: nobody can see them after that. `dropLeftBytes` removes
 * their bytes later. Call it inside a transaction.
 */
export function forgetObjects(sql: SqlStorage, jobId: string): void {
  sql.exec("DELETE FROM tmp_export_job_uploads WHERE job_id = ?", jobId);
  sql.exec("DELETE FROM tmp_export_job_parts WHERE job_id = ?", jobId);
}

/** The same for one object. Does nothing if it does not exist. */
export function forgetObject(sql: SqlStorage, key: string): void {
  const { jobId } = parseObjectKey(key);
  sql.exec(
    `DELETE FROM tmp_export_job_parts WHERE job_id = ?1 AND upload_id IN
       (SELECT upload_id FROM tmp_export_job_uploads WHERE job_id = ?1 AND object_key = ?2)`,
    jobId,
    key,
  );
  sql.exec("DELETE FROM tmp_export_job_uploads WHERE job_id = ? AND object_key = ?", jobId, key);
}

/**
 * Removes the bytes of a job's forgotten uploads in several turns, so that the object keeps
 * answering. May be repeated.
 */
export async function dropLeftBytes(sql: SqlStorage, jobId: string): Promise<void> {
  for (;;) {
    const { rowsWritten } = sql.exec(
      `DELETE FROM tmp_export_job_blobs WHERE job_id = ?1 AND kind = 'object'
         AND (upload_id, number) IN (SELECT upload_id, number FROM tmp_export_job_blobs
           WHERE job_id = ?1 AND kind = 'object'
             AND upload_id NOT IN (SELECT upload_id FROM tmp_export_job_uploads WHERE job_id = ?1)
           LIMIT ${DELETED_ROWS_MAX})`,
      jobId,
    );
    if (rowsWritten < DELETED_ROWS_MAX) return;
    await yieldTurn();
  }
}

type UploadRow = { is_complete: number; part_bytes: number; bytes: number };

function findUpload(sql: SqlStorage, { key, uploadId }: Upload): UploadRow | undefined {
  return sql
    .exec<UploadRow>(
      `SELECT is_complete, part_bytes, bytes FROM tmp_export_job_uploads
       WHERE job_id = ? AND object_key = ? AND upload_id = ?`,
      parseObjectKey(key).jobId,
      key,
      uploadId,
    )
    .toArray()[0];
}

function noSuchUpload({ key }: Upload): ExportError {
  return new ExportError("artifact-corrupt", `there is no such upload of ${key}`);
}

function deleteUpload(sql: SqlStorage, { key, uploadId }: Upload): void {
  const { jobId } = parseObjectKey(key);
  sql.exec(
    "DELETE FROM tmp_export_job_blobs WHERE job_id = ? AND kind = 'object' AND upload_id = ?",
    jobId,
    uploadId,
  );
  deleteParts(sql, jobId, uploadId);
  sql.exec(
    "DELETE FROM tmp_export_job_uploads WHERE job_id = ? AND object_key = ? AND upload_id = ?",
    jobId,
    key,
    uploadId,
  );
}

function deleteParts(sql: SqlStorage, jobId: string, uploadId: string): void {
  sql.exec("DELETE FROM tmp_export_job_parts WHERE job_id = ? AND upload_id = ?", jobId, uploadId);
}

function deletePart(sql: SqlStorage, jobId: string, uploadId: string, number: number): void {
  sql.exec(
    `DELETE FROM tmp_export_job_blobs
     WHERE job_id = ? AND kind = 'object' AND upload_id = ? AND number >= ? AND number < ?`,
    jobId,
    uploadId,
    toRowNumber(number, 0),
    toRowNumber(number + 1, 0),
  );
  sql.exec(
    "DELETE FROM tmp_export_job_parts WHERE job_id = ? AND upload_id = ? AND number = ?",
    jobId,
    uploadId,
    number,
  );
}
