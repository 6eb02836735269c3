import { ExportError } from "../../api/errors.ts";
import type { StreamToClose } from "../../rpc/stream-jobs.ts";
import { findStream, parseStreamRequest, renewStreamIf } from "../tables/stream-rows.ts";

/** Extends the lease of a stream. Errors: `stream-expired`. */
export function renewStream(sql: SqlStorage, streamId: string): void {
  if (renewStreamIf(sql, { streamId, nowMs: Date.now() })) return;
  throw new ExportError("stream-expired", `the lease of stream ${streamId} has run out`);
}

/** Returns what an expired stream has left to be closed; null if it is not expired, or has ended. */
export function findStreamToClose(sql: SqlStorage, streamId: string): StreamToClose | null {
  const stream = findStream(sql, streamId);
  if (stream === undefined || stream.lease_until_ms > Date.now()) return null;
  return { request: parseStreamRequest(stream), snapshotId: stream.snapshot_id };
}
