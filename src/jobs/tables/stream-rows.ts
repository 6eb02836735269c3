import { ENDINGS_MAX, STREAM_LEASE_MS } from "../../api/limits.ts";
import type { NewStream } from "../../rpc/stream-jobs.ts";
import { ENDING_DUE_MS } from "./ending-due.ts";
import { type JobRow, parseRequest } from "./job-rows.ts";

/** A complete row of `tmp_export_streams`; docs/storage-layout.md describes the columns. */
export type StreamRow = {
  stream_id: string;
  database_key: string;
  request_json: string;
  snapshot_id: string | null;
  started_at_ms: number;
  lease_until_ms: number;
  endings: number;
  ending_at_ms: number | null;
};

/** When something must be done about a stream: its lease and its last ending are over. */
const DUE_MS = `max(lease_until_ms, ${ENDING_DUE_MS})`;

/** Returns the source whose snapshot a stream reads. */
export function parseStreamRequest(stream: Pick<StreamRow, "request_json">): NewStream["request"] {
  return JSON.parse(stream.request_json) as NewStream["request"];
}

export function insertStream(sql: SqlStorage, stream: NewStream, nowMs: number): void {
  insertRow(sql, {
    stream_id: stream.streamId,
    database_key: stream.databaseKey,
    request_json: JSON.stringify(stream.request),
    snapshot_id: stream.snapshotId,
    started_at_ms: nowMs,
    lease_until_ms: nowMs + STREAM_LEASE_MS,
    endings: 0,
    ending_at_ms: null,
  });
}

/**
 * Inserts an ended job's snapshot, which is still open, to be closed like that of a stream with the
 * job's id.
 */
export function insertEndedStream(sql: SqlStorage, job: JobRow): void {
  const { source, name, id } = parseRequest(job);
  const request: NewStream["request"] = { source, ...(name && { name }), ...(id && { id }) };
  insertRow(sql, {
    stream_id: job.job_id,
    database_key: job.database_key,
    request_json: JSON.stringify(request),
    snapshot_id: job.snapshot_id,
    started_at_ms: job.created_at_ms,
    lease_until_ms: 0,
    // Instances are numbered starting there: their ids must be new.
    endings: job.endings,
    ending_at_ms: job.ending_at_ms,
  });
}

function insertRow(sql: SqlStorage, row: StreamRow): void {
  sql.exec(
    `INSERT INTO tmp_export_streams (stream_id, database_key, request_json, snapshot_id, started_at_ms,
       lease_until_ms, endings, ending_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    row.stream_id,
    row.database_key,
    row.request_json,
    row.snapshot_id,
    row.started_at_ms,
    row.lease_until_ms,
    row.endings,
    row.ending_at_ms,
  );
}

export function findStream(sql: SqlStorage, streamId: string): StreamRow | undefined {
  return sql
    .exec<StreamRow>("SELECT * FROM tmp_export_streams WHERE stream_id = ?", streamId)
    .toArray()[0];
}

/** Returns the stream that holds a database's lock: one whose lease has not expired. */
export function findActiveStream(
  sql: SqlStorage,
  { databaseKey, nowMs }: { databaseKey: string; nowMs: number },
): StreamRow | undefined {
  return sql
    .exec<StreamRow>(
      "SELECT * FROM tmp_export_streams WHERE database_key = ? AND lease_until_ms > ?",
      databaseKey,
      nowMs,
    )
    .toArray()[0];
}

/** Extends a stream's lease if it has not expired, and reports whether it did. */
export function renewStreamIf(
  sql: SqlStorage,
  { streamId, nowMs }: { streamId: string; nowMs: number },
): boolean {
  const renewed = sql.exec(
    "UPDATE tmp_export_streams SET lease_until_ms = ? WHERE stream_id = ? AND lease_until_ms > ?",
    nowMs + STREAM_LEASE_MS,
    streamId,
    nowMs,
  );
  return renewed.rowsWritten > 0;
}

/** Ends a stream's lease. Its sender finds out at the next renewal or page. */
export function expireStream(sql: SqlStorage, streamId: string): void {
  sql.exec("UPDATE tmp_export_streams SET lease_until_ms = 0 WHERE stream_id = ?", streamId);
}

/** Records that instance number `endings` was started for what a stream left. */
export function recordStreamEnding(
  sql: SqlStorage,
  streamId: string,
  ending: { endings: number; nowMs: number },
): void {
  sql.exec(
    "UPDATE tmp_export_streams SET endings = ?, ending_at_ms = ? WHERE stream_id = ?",
    ending.endings,
    ending.nowMs,
    streamId,
  );
}

/** Call it when the source contains nothing of the stream anymore. */
export function deleteStream(sql: SqlStorage, streamId: string): void {
  sql.exec("DELETE FROM tmp_export_streams WHERE stream_id = ?", streamId);
}

/**
 * Returns streams whose lease has expired and that no instance is ending; the longest overdue
 * first.
 */
export function listExpiredStreams(
  sql: SqlStorage,
  { nowMs, limit }: { nowMs: number; limit: number },
): StreamRow[] {
  return sql
    .exec<StreamRow>(
      `SELECT * FROM tmp_export_streams WHERE endings < ${ENDINGS_MAX} AND ${DUE_MS} <= ?
       ORDER BY ${DUE_MS} LIMIT ?`,
      nowMs,
      limit,
    )
    .toArray();
}

/**
 * Returns streams whose snapshot was abandoned after too many failed attempts to close it, and
 * whose last attempt is over.
 */
export function listAbandonedStreams(
  sql: SqlStorage,
  { nowMs, limit }: { nowMs: number; limit: number },
): StreamRow[] {
  return sql
    .exec<StreamRow>(
      `SELECT * FROM tmp_export_streams WHERE endings >= ${ENDINGS_MAX} AND ${DUE_MS} <= ?
       ORDER BY ${DUE_MS} LIMIT ?`,
      nowMs,
      limit,
    )
    .toArray();
}

/** Returns when one of these lists stops being empty; null if there are no streams. */
export function findFirstStreamDueMs(sql: SqlStorage): number | null {
  const [first] = sql
    .exec<{ due: number }>(
      `SELECT ${DUE_MS} AS due FROM tmp_export_streams WHERE ${DUE_MS} >= 0
       ORDER BY ${DUE_MS} LIMIT 1`,
    )
    .toArray();
  return first?.due ?? null;
}
