import type { JobRequest } from "../../api/export-request.ts";
import { STREAM_LEASE_MS } from "../../api/limits.ts";
import type { JobRow } from "./job-rows.ts";

/** A row of `tmp_export_streams` as it is; docs/storage-layout.md describes the columns. */
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

/** What a stream that takes its database's lock is known by. */
export interface NewStream {
  streamId: string;
  databaseKey: string;
  /** Where its snapshot is closed, should nobody else close it. */
  request: Pick<JobRequest, "source" | "name" | "id">;
  /** Null where it reads rows as they are. */
  snapshotId: string | null;
}

export function insertStream(sql: SqlStorage, stream: NewStream, nowMs: number): void {
  sql.exec(
    `INSERT INTO tmp_export_streams (stream_id, database_key, request_json, snapshot_id, started_at_ms,
       lease_until_ms) VALUES (?, ?, ?, ?, ?, ?)`,
    stream.streamId,
    stream.databaseKey,
    JSON.stringify(stream.request),
    stream.snapshotId,
    nowMs,
    nowMs + STREAM_LEASE_MS,
  );
}

/** Leaves an ended job's snapshot, which is still open, to be closed as that of a stream of its id. */
export function insertEndedStream(sql: SqlStorage, job: JobRow): void {
  const { source, name, id } = JSON.parse(job.request_json) as JobRequest;
  const request: NewStream["request"] = { source, ...(name && { name }), ...(id && { id }) };
  sql.exec(
    `INSERT INTO tmp_export_streams (stream_id, database_key, request_json, snapshot_id, started_at_ms,
       lease_until_ms, endings, ending_at_ms) VALUES (?, ?, ?, ?, ?, 0, ?, ?)`,
    job.job_id,
    job.database_key,
    JSON.stringify(request),
    job.snapshot_id,
    job.created_at_ms,
    // Instances are numbered on: their ids must be new.
    job.endings,
    job.ending_at_ms,
  );
}

export function findStream(sql: SqlStorage, streamId: string): StreamRow | undefined {
  return sql
    .exec<StreamRow>("SELECT * FROM tmp_export_streams WHERE stream_id = ?", streamId)
    .toArray()[0];
}

/** The stream that holds a database's lock: one whose lease has not run out. */
export function findActiveStream(
  sql: SqlStorage,
  of: { databaseKey: string; nowMs: number },
): StreamRow | undefined {
  return sql
    .exec<StreamRow>(
      "SELECT * FROM tmp_export_streams WHERE database_key = ? AND lease_until_ms > ?",
      of.databaseKey,
      of.nowMs,
    )
    .toArray()[0];
}

/** Lengthens a stream's lease where it has not run out; says whether it did. */
export function renewStreamIf(sql: SqlStorage, of: { streamId: string; nowMs: number }): boolean {
  const renewed = sql.exec(
    "UPDATE tmp_export_streams SET lease_until_ms = ? WHERE stream_id = ? AND lease_until_ms > ?",
    of.nowMs + STREAM_LEASE_MS,
    of.streamId,
    of.nowMs,
  );
  return renewed.rowsWritten > 0;
}

/** Ends a stream's lease. Whoever sends it finds out at the next renewal, or page. */
export function expireStream(sql: SqlStorage, streamId: string): void {
  sql.exec("UPDATE tmp_export_streams SET lease_until_ms = 0 WHERE stream_id = ?", streamId);
}

/** Forgets a stream whose snapshot cannot be closed: a later opening in its database removes the rest. */
export function abandonStream(sql: SqlStorage, stream: StreamRow): void {
  const { stream_id: streamId, endings, request_json: source } = stream;
  console.error({ message: "the snapshot of a stream was not closed", streamId, endings, source });
  deleteStream(sql, streamId);
}

/** To be called once nothing of the stream is in its source any more. */
export function deleteStream(sql: SqlStorage, streamId: string): void {
  sql.exec("DELETE FROM tmp_export_streams WHERE stream_id = ?", streamId);
}
