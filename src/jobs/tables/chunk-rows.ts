import type { LedgerPiece } from "../../rpc/artifact-record.ts";
import type { ChunkCommit, ChunkPiece } from "../../rpc/chunk-commit.ts";
import type { Cursor } from "../../rpc/cursor.ts";
import { describeKey } from "../../sqlite/row-key.ts";
import type { StoredPart } from "../../rpc/stored-object.ts";

/**
 * The number of chunks over which a rate is measured: enough to smooth it, few enough to follow a
 * change.
 */
const RATE_CHUNKS = 5;

/**
 * Inserts the row of one piece that chunk number `number` wrote. `rows` counts the whole chunk, or
 * nothing.
 */
export function insertChunkPiece(
  sql: SqlStorage,
  piece: ChunkPiece,
  chunk: {
    commit: ChunkCommit;
    number: number;
    /** The value in the job's row. */
    firstCursorJson: string | null;
    rows: number;
    nowMs: number;
  },
): void {
  const { commit } = chunk;
  sql.exec(
    `INSERT INTO tmp_export_job_chunks (job_id, artifact_ordinal, number, table_name,
       first_cursor_json, last_cursor_json, rows, bytes, parts_json, sha256, text_bytes, text_sha256,
       notes_json, run, started_at_ms, committed_at_ms)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    commit.jobId,
    piece.artifactOrdinal,
    chunk.number,
    commit.table,
    chunk.firstCursorJson,
    JSON.stringify(commit.cursor),
    chunk.rows,
    piece.bytes,
    JSON.stringify(piece.parts),
    piece.sha256,
    piece.textBytes ?? null,
    piece.textSha256 ?? null,
    piece.notes === undefined ? null : JSON.stringify(piece.notes),
    commit.run,
    commit.startedAtMs,
    chunk.nowMs,
  );
}

/** Returns how many chunks one table's steps have committed. */
export function countChunks(
  sql: SqlStorage,
  { jobId, table }: { jobId: string; table: string },
): number {
  return sql
    .exec<{ chunks: number }>(
      `SELECT count(DISTINCT number) AS chunks FROM tmp_export_job_chunks
       WHERE job_id = ? AND table_name = ?`,
      jobId,
      table,
    )
    .one().chunks;
}

/** Returns all pieces of an artifact, in order and without gaps. */
export function listPieces(
  sql: SqlStorage,
  { jobId, ordinal }: { jobId: string; ordinal: number },
): LedgerPiece[] {
  return sql
    .exec<{
      bytes: number;
      sha256: string;
      run: number;
      text_bytes: number | null;
      text_sha256: string | null;
      parts_json: string;
      table_name: string;
      first_cursor_json: string | null;
      last_cursor_json: string;
    }>(
      `SELECT bytes, sha256, run, text_bytes, text_sha256, parts_json, table_name, first_cursor_json,
         last_cursor_json FROM tmp_export_job_chunks
       WHERE job_id = ? AND artifact_ordinal = ? ORDER BY number`,
      jobId,
      ordinal,
    )
    .toArray()
    .map(({ bytes, sha256, run, text_bytes, text_sha256, parts_json, ...row }) => ({
      bytes,
      sha256,
      run,
      textBytes: text_bytes,
      textSha256: text_sha256,
      parts: JSON.parse(parts_json) as StoredPart[],
      table: row.table_name,
      firstKey: describeCursor(row.first_cursor_json),
      lastKey: describeCursor(row.last_cursor_json),
    }));
}

/** Returns the notes of all pieces of an artifact, in order. */
export function listNotes(
  sql: SqlStorage,
  { jobId, ordinal }: { jobId: string; ordinal: number },
): string[] {
  return sql
    .exec<{ notes_json: string }>(
      `SELECT notes_json FROM tmp_export_job_chunks
       WHERE job_id = ? AND artifact_ordinal = ? AND notes_json IS NOT NULL ORDER BY number`,
      jobId,
      ordinal,
    )
    .toArray()
    .flatMap(({ notes_json }) => JSON.parse(notes_json) as string[]);
}

/** Returns the key of the row that a cursor stands after; null if it stands at the start of something. */
function describeCursor(json: string | null): string | null {
  const after = json === null ? null : (JSON.parse(json) as Cursor).after;
  return after === null ? null : describeKey(after);
}

/** Returns the rows of all chunks of a job, including rows outside tables. */
export function sumChunkRows(sql: SqlStorage, jobId: string): number {
  return sql
    .exec<{ rows: number }>(
      "SELECT coalesce(sum(rows), 0) AS rows FROM tmp_export_job_chunks WHERE job_id = ?",
      jobId,
    )
    .one().rows;
}

/**
 * Returns what the last chunks wrote, and how long they took together; null before there are any. A
 * chunk of many small artifacts has a row for each artifact's piece.
 */
export function findRecentWork(
  sql: SqlStorage,
  jobId: string,
): { bytes: number; rows: number; ms: number } | null {
  const recent = sql
    .exec<{ bytes: number | null; rows: number | null; started: number; ended: number }>(
      `SELECT sum(bytes) AS bytes, sum(rows) AS rows, min(started_at_ms) AS started,
         max(committed_at_ms) AS ended FROM
         (SELECT sum(bytes) AS bytes, sum(rows) AS rows, min(started_at_ms) AS started_at_ms,
            max(committed_at_ms) AS committed_at_ms FROM tmp_export_job_chunks
          WHERE job_id = ? GROUP BY number ORDER BY number DESC LIMIT ?)`,
      jobId,
      RATE_CHUNKS,
    )
    .one();
  const { bytes, rows } = recent;
  return bytes === null || rows === null
    ? null
    : { bytes, rows, ms: recent.ended - recent.started };
}

export function deleteChunks(sql: SqlStorage, jobId: string): void {
  sql.exec("DELETE FROM tmp_export_job_chunks WHERE job_id = ?", jobId);
}
