import { isActive } from "../../api/job-state.ts";
import type { SnapshotToClose } from "../../rpc/run-jobs.ts";
import type { RunId } from "../../rpc/run-payload.ts";
import type { StreamToClose } from "../../rpc/stream-jobs.ts";
import { findJob, parseRequest } from "../tables/job-rows.ts";
import { findStream, parseStreamRequest } from "../tables/stream-rows.ts";

/**
 * Reports whether a snapshot is no longer needed: its job has ended, or has opened another one
 * since, or its stream's lease has expired. `jobId` may be a stream's id.
 */
export function isSnapshotLeftover(
  sql: SqlStorage,
  { jobId, snapshotId, nowMs }: { jobId: string; snapshotId: string; nowMs: number },
): boolean {
  const stream = findStream(sql, jobId);
  if (stream !== undefined) return stream.lease_until_ms <= nowMs;
  const job = findJob(sql, jobId);
  // A job that this deployment does not know may belong to another deployment, and its lease
  // protects it.
  return job !== undefined && (!isActive(job.state) || job.snapshot_id !== snapshotId);
}

/** Returns the snapshot that a run may close; null if there is none, or if a newer run reads it. */
export function snapshotToClose(sql: SqlStorage, { jobId, run }: RunId): SnapshotToClose | null {
  const job = findJob(sql, jobId);
  if (job === undefined || job.snapshot_id === null || job.snapshot_open === 0) return null;
  if (job.run !== run && isActive(job.state)) return null;
  return { request: parseRequest(job), snapshotId: job.snapshot_id };
}

/** Returns what must be closed for an expired stream; null if it has not expired, or has ended. */
export function findStreamToClose(sql: SqlStorage, streamId: string): StreamToClose | null {
  const stream = findStream(sql, streamId);
  if (stream === undefined || stream.lease_until_ms > Date.now()) return null;
  return { request: parseStreamRequest(stream), snapshotId: stream.snapshot_id };
}
