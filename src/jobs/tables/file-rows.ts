import { ExportError } from "../../api/errors.ts";
import { UPLOAD_KEPT_HOURS } from "../../api/limits.ts";
import type { MadeFile, NewFile } from "../../rpc/upload-jobs.ts";

const KEPT_MS = UPLOAD_KEPT_HOURS * 3_600_000;

/** A complete row of `tmp_export_files`; docs/storage-layout.md describes the columns. */
export type FileRow = {
  file_id: string;
  name: string;
  object_key: string;
  /** Null until the store has begun the upload. */
  upload_id: string | null;
  part_bytes: number;
  announced_bytes: number | null;
  announced_sha256: string | null;
  created_at_ms: number;
  used_at_ms: number;
  used_by_json: string;
} & (
  | {
      completed_at_ms: null;
      part_count: null;
      bytes: null;
      sha256: null;
      etag: null;
    }
  | {
      completed_at_ms: number;
      part_count: number;
      bytes: number;
      sha256: string;
      etag: string;
    }
);

/** Returns the jobs that used a file and may still be active. */
export function parseUsers(file: Pick<FileRow, "used_by_json">): string[] {
  return JSON.parse(file.used_by_json) as string[];
}

/** Returns when an unused file is deleted. */
export function getFileDueMs(file: Pick<FileRow, "used_at_ms">): number {
  return file.used_at_ms + KEPT_MS;
}

export function insertFile(sql: SqlStorage, file: NewFile): void {
  sql.exec(
    `INSERT INTO tmp_export_files (file_id, name, object_key, part_bytes, announced_bytes,
       announced_sha256, created_at_ms, used_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    file.fileId,
    file.name,
    file.objectKey,
    file.partBytes,
    file.announced.bytes,
    file.announced.sha256,
    file.nowMs,
    file.nowMs,
  );
}

export function findFile(sql: SqlStorage, fileId: string): FileRow | undefined {
  return sql.exec<FileRow>("SELECT * FROM tmp_export_files WHERE file_id = ?", fileId).toArray()[0];
}

/** Errors: `file-not-found`. */
export function getFile(sql: SqlStorage, fileId: string): FileRow {
  const file = findFile(sql, fileId);
  if (file === undefined) throw new ExportError("file-not-found", `there is no file ${fileId}`);
  return file;
}

/** Records the store's upload of a file. */
export function recordFileUpload(sql: SqlStorage, fileId: string, uploadId: string): void {
  sql.exec("UPDATE tmp_export_files SET upload_id = ? WHERE file_id = ?", uploadId, fileId);
}

/** Records that the store has a file, and what it is. */
export function recordMadeFile(
  sql: SqlStorage,
  fileId: string,
  made: Omit<MadeFile, "announcedSha256"> & { nowMs: number },
): void {
  sql.exec(
    `UPDATE tmp_export_files SET part_count = ?, bytes = ?, sha256 = ?, etag = ?, completed_at_ms = ?,
       used_at_ms = ? WHERE file_id = ?`,
    made.parts,
    made.bytes,
    made.sha256,
    made.etag,
    made.nowMs,
    made.nowMs,
    fileId,
  );
}

/** Records when a file was last used, and which jobs that may be active used it. */
export function recordFileUse(
  sql: SqlStorage,
  fileId: string,
  use: { atMs: number; users: readonly string[] },
): void {
  sql.exec(
    "UPDATE tmp_export_files SET used_at_ms = ?, used_by_json = ? WHERE file_id = ?",
    use.atMs,
    JSON.stringify(use.users),
    fileId,
  );
}

export function deleteFileRow(sql: SqlStorage, fileId: string): void {
  sql.exec("DELETE FROM tmp_export_files WHERE file_id = ?", fileId);
}

/** Returns files that were last used a day ago or earlier: at most `limit`, the longest unused first. */
export function listUnusedFiles(
  sql: SqlStorage,
  { nowMs, limit }: { nowMs: number; limit: number },
): FileRow[] {
  return sql
    .exec<FileRow>(
      "SELECT * FROM tmp_export_files WHERE used_at_ms <= ? ORDER BY used_at_ms LIMIT ?",
      nowMs - KEPT_MS,
      limit,
    )
    .toArray();
}

/** Returns when the first file is due to be deleted; null if there are none. */
export function findFirstFileDueMs(sql: SqlStorage): number | null {
  const [first] = sql
    .exec<{ used_at_ms: number }>(
      "SELECT used_at_ms FROM tmp_export_files WHERE used_at_ms >= 0 ORDER BY used_at_ms LIMIT 1",
    )
    .toArray();
  return first === undefined ? null : getFileDueMs(first);
}
