import { BLOB_BYTES_MAX } from "../../api/limits.ts";
import { concatBytes, decodeUtf8, encodeUtf8 } from "../../lib/bytes.ts";
import type { KeptTurn } from "../../rpc/kept-turn.ts";

/**
 * What a job's rows of `tmp_export_job_blobs` contain: bytes that do not fill a part yet, or a
 * small database that was read in one turn, with its index. The rows of kind `object` belong to
 * `storage/inline`.
 */
type Kind = "carry" | "turn" | "turn-index";

/** Returns the bytes that a job has produced but not stored, in pieces of at most 1 MiB. */
export function loadCarry(sql: SqlStorage, jobId: string): Uint8Array[] {
  return loadRows(sql, jobId, "carry");
}

/** Keeps a job's carry in place of the last one. */
export function saveCarry(sql: SqlStorage, jobId: string, carry: readonly Uint8Array[]): void {
  dropCarry(sql, jobId);
  for (const [number, bytes] of carry.entries())
    insertRow(sql, { jobId, kind: "carry", number }, bytes);
}

export function dropCarry(sql: SqlStorage, jobId: string): void {
  deleteKind(sql, jobId, "carry");
}

/** Keeps what a job read in one turn, in place of anything kept before. */
export function saveTurn(sql: SqlStorage, jobId: string, turn: KeptTurn): void {
  dropTurn(sql, jobId);
  const { bytes, ...index } = turn;
  saveBlob(sql, { jobId, kind: "turn-index" }, encodeUtf8(JSON.stringify(index)));
  saveBlob(sql, { jobId, kind: "turn" }, bytes);
}

/** Returns what a job read in one turn; null if nothing is kept. */
export function loadTurn(sql: SqlStorage, jobId: string): KeptTurn | null {
  const index = concatBytes(loadRows(sql, jobId, "turn-index"));
  if (index.byteLength === 0) return null;
  const { catalog, pieces } = JSON.parse(decodeUtf8(index)) as Omit<KeptTurn, "bytes">;
  return { catalog, pieces, bytes: concatBytes(loadRows(sql, jobId, "turn")) };
}

export function dropTurn(sql: SqlStorage, jobId: string): void {
  deleteKind(sql, jobId, "turn");
  deleteKind(sql, jobId, "turn-index");
}

/** Removes all bytes of a job, including those of its objects. */
export function deleteBlobs(sql: SqlStorage, jobId: string): void {
  sql.exec("DELETE FROM tmp_export_job_blobs WHERE job_id = ?", jobId);
}

function saveBlob(sql: SqlStorage, blob: { jobId: string; kind: Kind }, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.byteLength; at += BLOB_BYTES_MAX) {
    const number = at / BLOB_BYTES_MAX;
    insertRow(sql, { ...blob, number }, bytes.subarray(at, at + BLOB_BYTES_MAX));
  }
}

function insertRow(
  sql: SqlStorage,
  { jobId, kind, number }: { jobId: string; kind: Kind; number: number },
  bytes: Uint8Array,
): void {
  sql.exec(
    "INSERT INTO tmp_export_job_blobs (job_id, kind, upload_id, number, bytes) VALUES (?, ?, '', ?, ?)",
    jobId,
    kind,
    number,
    // A view would be kept with its whole buffer.
    bytes.slice().buffer,
  );
}

function loadRows(sql: SqlStorage, jobId: string, kind: Kind): Uint8Array[] {
  return sql
    .exec<{ bytes: ArrayBuffer }>(
      "SELECT bytes FROM tmp_export_job_blobs WHERE job_id = ? AND kind = ? ORDER BY number",
      jobId,
      kind,
    )
    .toArray()
    .map((row) => new Uint8Array(row.bytes));
}

function deleteKind(sql: SqlStorage, jobId: string, kind: Kind): void {
  sql.exec("DELETE FROM tmp_export_job_blobs WHERE job_id = ? AND kind = ?", jobId, kind);
}
