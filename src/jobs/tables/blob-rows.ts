import type { KeptTurn } from "../../rpc/kept-turn.ts";
import { concatBytes, decodeUtf8, encodeUtf8 } from "../../lib/bytes.ts";
import { BLOB_BYTES_MAX } from "../../api/limits.ts";

/** Keeps what a job has read in one turn in place of anything kept before. */
export function saveTurn(sql: SqlStorage, jobId: string, turn: KeptTurn): void {
  dropTurn(sql, jobId);
  const { bytes, ...index } = turn;
  saveBlob(sql, { jobId, kind: "turn-index", bytes: encodeUtf8(JSON.stringify(index)) });
  saveBlob(sql, { jobId, kind: "turn", bytes });
}

/** What a job has read in one turn; null if nothing is kept. */
export function loadTurn(sql: SqlStorage, jobId: string): KeptTurn | null {
  const index = loadBlob(sql, { jobId, kind: "turn-index" });
  if (index.byteLength === 0) return null;
  const { catalog, pieces } = JSON.parse(decodeUtf8(index)) as Omit<KeptTurn, "bytes">;
  return { catalog, pieces, bytes: loadBlob(sql, { jobId, kind: "turn" }) };
}

export function dropTurn(sql: SqlStorage, jobId: string): void {
  sql.exec(
    "DELETE FROM tmp_export_job_blobs WHERE job_id = ? AND kind IN ('turn', 'turn-index')",
    jobId,
  );
}

function saveBlob(
  sql: SqlStorage,
  { jobId, kind, bytes }: { jobId: string; kind: string; bytes: Uint8Array },
): void {
  for (let at = 0; at < bytes.byteLength; at += BLOB_BYTES_MAX) {
    sql.exec(
      "INSERT INTO tmp_export_job_blobs (job_id, kind, upload_id, number, bytes) VALUES (?, ?, '', ?, ?)",
      jobId,
      kind,
      at / BLOB_BYTES_MAX,
      bytes.slice(at, at + BLOB_BYTES_MAX).buffer,
    );
  }
}

function loadBlob(sql: SqlStorage, { jobId, kind }: { jobId: string; kind: string }): Uint8Array {
  const rows = sql
    .exec<{ bytes: ArrayBuffer }>(
      "SELECT bytes FROM tmp_export_job_blobs WHERE job_id = ? AND kind = ? ORDER BY number",
      jobId,
      kind,
    )
    .toArray();
  return concatBytes(rows.map((row) => new Uint8Array(row.bytes)));
}
