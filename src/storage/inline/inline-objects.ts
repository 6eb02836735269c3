import type {
  OpenObject,
  PartPiece,
  StoredObject,
  StoredPart,
  Upload,
} from "../../rpc/stored-object.ts";
import { ExportError } from "../../api/errors.ts";
import { BLOB_BYTES_MAX } from "../../api/limits.ts";
import { ownerOf } from "../../rpc/object-key.ts";
import { assert } from "../../lib/assert.ts";
import { yieldTurn } from "../../lib/yield-turn.ts";
import { requireWholeList } from "../artifact-store.ts";
import type { InlineContext } from "./inline-context.ts";

/** Numbers of rows that each part has for itself, so that a row is found from an offset alone. */
const ROWS_A_PART = 64;

/** Rows deleted in one turn: 64 MiB took 0.3 s (November 2026), in which nobody is answered. */
const DELETED_ROWS_MAX = 64;

const INLINE_UPLOAD = "inline-";

/** Whether an upload is of this store, whatever is bound now: R2 answers of such an id as of a fault. */
export function isInlineUpload(uploadId: string): boolean {
  return uploadId.startsWith(INLINE_UPLOAD);
}

/** Begins an upload. Errors: `run-superseded`. */
export function createUpload({ sql, requireWritable }: InlineContext, key: string): string {
  requireWritable(key);
  const { jobId } = ownerOf(key);
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
 * Keeps a piece of a part; to be called inside a transaction. A part's first piece removes what
 * earlier tries have sent of it. Errors: `run-superseded`, `inline-storage-full`, `artifact-corrupt`
 * where there is no such upload, `storage-unavailable` where another try is sending the same part.
 */
export function putPiece(context: InlineContext, piece: PartPiece): void {
  const { sql } = context;
  const { upload, number, etag, offset, bytes } = piece;
  assert(
    offset + bytes.byteLength <= ROWS_A_PART * BLOB_BYTES_MAX,
    "a part keeps to the rows it has",
  );
  context.requireWritable(upload.key);
  const { jobId } = ownerOf(upload.key);
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
    throw new ExportError("storage-unavailable", `another try is sending part ${number}`);
  }
  for (let at = 0; at < bytes.byteLength; at += BLOB_BYTES_MAX) {
    sql.exec(
      `INSERT INTO tmp_export_job_blobs (job_id, kind, upload_id, number, bytes)
       VALUES (?, 'object', ?, ?, ?)`,
      jobId,
      upload.uploadId,
      rowNumberOf(number, offset + at),
      // A view would be kept with the whole of its buffer.
      bytes.slice(at, at + BLOB_BYTES_MAX).buffer,
    );
  }
}

function rowNumberOf(part: number, offset: number): number {
  return (part - 1) * ROWS_A_PART + Math.floor(offset / BLOB_BYTES_MAX);
}

/**
 * Makes the object of exactly `parts`; to be called inside a transaction. An object that had the key
 * before is removed. Errors: `run-superseded`, `artifact-corrupt`.
 */
export function completeUpload(
  { sql, requireWritable }: InlineContext,
  upload: Upload,
  parts: readonly StoredPart[],
): StoredObject {
  requireWholeList(parts);
  requireWritable(upload.key);
  const { jobId } = ownerOf(upload.key);
  const bytes = parts.reduce((sum, part) => sum + part.bytes, 0);
  const found = findUpload(sql, upload);
  if (found?.is_complete !== 0) {
    // An earlier try may have succeeded although its answer was lost.
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
  // A try that was replaced may have sent more parts than the ledger has.
  const behind = rowNumberOf(parts.length + 1, 0);
  sql.exec(
    `DELETE FROM tmp_export_job_blobs
     WHERE job_id = ? AND kind = 'object' AND upload_id = ? AND number >= ?`,
    jobId,
    upload.uploadId,
    behind,
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
  throw new ExportError("artifact-corrupt", `part ${number} is not the one that the ledger knows`);
}

/** Stores a small object whole; to be called inside a transaction. Errors: as those of its parts. */
export function putObject(context: InlineContext, key: string, bytes: Uint8Array): StoredObject {
  const upload = { key, uploadId: createUpload(context, key) };
  const part = { number: 1, etag: upload.uploadId };
  putPiece(context, { upload, ...part, offset: 0, bytes });
  return completeUpload(context, upload, [{ ...part, bytes: bytes.byteLength }]);
}

/** Gives up an upload; nothing where it is completed or gone. To be called inside a transaction. */
export function abortUpload(sql: SqlStorage, upload: Upload): void {
  if (findUpload(sql, upload)?.is_complete === 0) deleteUpload(sql, upload);
}

export function findObject(sql: SqlStorage, key: string): StoredObject | undefined {
  return sql
    .exec<{ bytes: number; etag: string }>(
      `SELECT bytes, upload_id AS etag FROM tmp_export_job_uploads
       WHERE job_id = ? AND object_key = ? AND is_complete = 1`,
      ownerOf(key).jobId,
      key,
    )
    .toArray()[0];
}

/**
 * Bytes of an object from `offset` on: at most `bytesMax`, and at most what one row has. Errors:
 * `artifact-corrupt` where the object is gone, or ends before.
 */
export function readObject(
  sql: SqlStorage,
  { key, etag }: OpenObject,
  { offset, bytesMax }: { offset: number; bytesMax: number },
): Uint8Array<ArrayBuffer> {
  const upload = findUpload(sql, { key, uploadId: etag });
  if (upload?.is_complete !== 1 || offset >= upload.bytes) {
    throw new ExportError("artifact-corrupt", `${key} is not in the store any more`);
  }
  const inPart = offset % upload.part_bytes;
  const [row] = sql
    .exec<{ bytes: ArrayBuffer }>(
      `SELECT substr(bytes, ?, ?) AS bytes FROM tmp_export_job_blobs
       WHERE job_id = ? AND kind = 'object' AND upload_id = ? AND number = ?`,
      1 + (inPart % BLOB_BYTES_MAX),
      bytesMax,
      ownerOf(key).jobId,
      etag,
      rowNumberOf(1 + Math.floor(offset / upload.part_bytes), inPart),
    )
    .toArray();
  if (row === undefined) throw new ExportError("artifact-corrupt", `bytes of ${key} are missing`);
  return new Uint8Array(row.bytes);
}

/** Removes an object. Removing what is not there does nothing. To be called inside a transaction. */
export function deleteObject(sql: SqlStorage, key: string): void {
  const object = findObject(sql, key);
  if (object !== undefined) deleteUpload(sql, { key, uploadId: object.etag });
}

/** Removes the uploads of a job that were never completed, such as those of killed tries. */
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
 * Forgets all objects and uploads of a job: they are gone for everybody at once. Their bytes are left to
 * `dropLeftBytes`. To be called inside a transaction.
 */
export function forgetObjects(sql: SqlStorage, jobId: string): void {
  sql.exec("DELETE FROM tmp_export_job_uploads WHERE job_id = ?", jobId);
  sql.exec("DELETE FROM tmp_export_job_parts WHERE job_id = ?", jobId);
}

/**
 * Removes the bytes of a job's uploads that are no more, in several turns, so that the object goes on
 * answering.
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
      ownerOf(key).jobId,
      key,
      uploadId,
    )
    .toArray()[0];
}

function noSuchUpload({ key }: Upload): ExportError {
  return new ExportError("artifact-corrupt", `there is no such upload of ${key}`);
}

function deleteUpload(sql: SqlStorage, { key, uploadId }: Upload): void {
  const { jobId } = ownerOf(key);
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
    rowNumberOf(number, 0),
    rowNumberOf(number + 1, 0),
  );
  sql.exec(
    "DELETE FROM tmp_export_job_parts WHERE job_id = ? AND upload_id = ? AND number = ?",
    jobId,
    uploadId,
    number,
  );
}
