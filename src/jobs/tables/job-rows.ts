import type { CallbackStatus } from "../../api/callback-state.ts";
import type { ArtifactRecord, ArtifactState } from "../../rpc/checkpoint.ts";
import { ExportError, type Failure } from "../../api/errors.ts";
import type { JobRequest } from "../../api/export-request.ts";
import type { NewJob } from "../../rpc/http-jobs.ts";
import type { SnapshotRecord } from "../../rpc/snapshot-record.ts";
import { isActive, type JobState, statesBefore } from "../../api/job-state.ts";

/** A row of `tmp_export_jobs` as it is; docs/storage-layout.md describes the columns. */
export type JobRow = {
  job_id: string;
  source: string;
  database_key: string;
  state: JobState;
  request_json: string;
  request_digest: string;
  idempotency_key: string | null;
  origin: string;
  run: number;
  created_at_ms: number;
  started_at_ms: number | null;
  completed_at_ms: number | null;
  expires_at_ms: number | null;
  heartbeat_at_ms: number;
  snapshot_id: string | null;
  snapshot_at_ms: number | null;
  snapshot_json: string | null;
  /** How often the job began again, for whatever reason, and because its artifact was not what was written. */
  restarts: number;
  corrupt_restarts: number;
  /** The last opening of the newest run that was taken back. */
  started_over: number;
  /** The runs that went silent, as a list of `Rescue`. */
  rescues_json: string;
  woken_at_ms: number | null;
  /** When the run's instance was last seen to wait, and in which condition. Void after a newer heartbeat. */
  waited_at_ms: number | null;
  waiting_as: string | null;
  /** 0: nothing of it is in its source; 1: its triggers may be; `SNAPSHOT_TABLES_LEFT`: empty tables are. */
  snapshot_open: number;
  endings: number;
  ending_at_ms: number | null;
  catalog_digest: string | null;
  /** Null if an earlier version has made the plan. */
  plan_digest: string | null;
  /** The size of the job's parts, which no deployment changes; null before its first run. */
  part_bytes: number | null;
  checkpoint: number;
  cursor_json: string | null;
  next_table: string | null;
  usage_rows_read: number;
  usage_rows_written: number;
  usage_steps: number;
  usage_r2_class_a: number;
  warnings_json: string;
  failure_json: string | null;
  callback_url: string | null;
  callback_status: CallbackStatus;
  callback_attempts: number;
  callback_last_error: string | null;
  callback_next_attempt_at_ms: number | null;
  /** Posts that were begun, recorded attempts included, and when the last one was. */
  callback_posts: number;
  callback_posted_at_ms: number | null;
};

/** In `snapshot_open`: an earlier version of the code leaves such a snapshot to the next opening. */
export const SNAPSHOT_TABLES_LEFT = 2;

/** Why a job was given to its next run. */
export interface Rescue {
  /** The run that it was taken from. */
  run: number;
  atMs: number;
  reason: string;
  /** Where the job stood then; undefined for rescues of an earlier version. */
  place?: string;
}

/** Returns the request that a job was made of. */
export function parseRequest(job: Pick<JobRow, "request_json">): JobRequest {
  return JSON.parse(job.request_json) as JobRequest;
}

/** Returns what reading and closing a job's snapshot needs; null if it has none, or reads rows as they are. */
export function parseSnapshot({
  snapshot_json: json,
}: Pick<JobRow, "snapshot_json">): SnapshotRecord | null {
  return json === null ? null : (JSON.parse(json) as SnapshotRecord);
}

/** Returns the job's own warnings; `listWarnings` returns all. */
export function parseWarnings(job: Pick<JobRow, "warnings_json">): string[] {
  return JSON.parse(job.warnings_json) as string[];
}

/** Returns why a job was given to each next run, oldest first. */
export function parseRescues(job: Pick<JobRow, "rescues_json">): Rescue[] {
  return JSON.parse(job.rescues_json) as Rescue[];
}

/** A job's state at `nowMs`: one whose retention has ended is expired before the watchdog comes. */
export function stateAt(job: Pick<JobRow, "state" | "expires_at_ms">, nowMs: number): JobState {
  const isDue = job.expires_at_ms !== null && job.expires_at_ms <= nowMs;
  return job.state === "completed" && isDue ? "expired" : job.state;
}

/** The same in SQL; `?1` is the time. */
const STATE_AT =
  "CASE WHEN state = 'completed' AND expires_at_ms <= ?1 THEN 'expired' ELSE state END";

/** What a failed job has failed for. */
export function failureOf({ failure_json }: Pick<JobRow, "failure_json">): Failure | null {
  return failure_json === null ? null : (JSON.parse(failure_json) as Failure);
}

/** The id of a run's Workflow instance. */
export function instanceIdOf(job: { job_id: string; run: number }): string {
  return `${job.job_id}-${job.run}`;
}

/** The id of the instance that closes and tells what an ended job has left, at its newest try. */
export function endingInstanceIdOf(job: { job_id: string; endings: number }): string {
  return `${job.job_id}-end-${job.endings}`;
}

export function findJob(sql: SqlStorage, jobId: string): JobRow | undefined {
  return sql.exec<JobRow>("SELECT * FROM tmp_export_jobs WHERE job_id = ?", jobId).toArray()[0];
}

/** Errors: `job-not-found`. */
export function getJob(sql: SqlStorage, jobId: string): JobRow {
  const job = findJob(sql, jobId);
  if (job === undefined) throw new ExportError("job-not-found", `there is no job ${jobId}`);
  return job;
}

export function findJobByKey(sql: SqlStorage, idempotencyKey: string): JobRow | undefined {
  return sql
    .exec<JobRow>("SELECT * FROM tmp_export_jobs WHERE idempotency_key = ?", idempotencyKey)
    .toArray()[0];
}

/** The job that holds a database's lock: whichever is queued or running. */
export function findActiveJob(sql: SqlStorage, databaseKey: string): JobRow | undefined {
  return sql
    .exec<JobRow>(
      `SELECT * FROM tmp_export_jobs WHERE database_key = ? AND state IN ('queued', 'running')`,
      databaseKey,
    )
    .toArray()[0];
}

export function insertJob(sql: SqlStorage, job: NewJob): void {
  sql.exec(
    `INSERT INTO tmp_export_jobs (job_id, source, database_key, state, request_json, request_digest,
       idempotency_key, origin, run, created_at_ms, heartbeat_at_ms, callback_url, callback_status)
     VALUES (?, ?, ?, 'queued', ?, ?, ?, ?, 1, ?, ?, ?, ?)`,
    job.jobId,
    job.request.source,
    job.databaseKey,
    JSON.stringify(job.request),
    job.requestDigest,
    job.idempotencyKey,
    job.origin,
    job.nowMs,
    job.nowMs,
    job.request.callbackUrl ?? null,
    job.request.callbackUrl === undefined ? "none" : "pending",
  );
}

/**
 * Moves a job to `to` where its state allows it; says whether it did. The one UPDATE decides any
 * race between a run, a cancel and the watchdog.
 */
export function moveJobIf(
  sql: SqlStorage,
  move: { jobId: string; to: JobState; nowMs: number; failure?: Failure },
): boolean {
  const from = statesBefore(move.to);
  const cursor = sql.exec(
    `UPDATE tmp_export_jobs SET state = ?,
       started_at_ms = CASE WHEN ? = 'running' THEN ? ELSE started_at_ms END,
       completed_at_ms = CASE WHEN ? IN ('completed', 'failed', 'cancelled') THEN ? ELSE completed_at_ms END,
       failure_json = coalesce(?, failure_json),
       heartbeat_at_ms = ?
     WHERE job_id = ? AND state IN (${from.map((state) => `'${state}'`).join(", ")})`,
    move.to,
    move.to,
    move.nowMs,
    move.to,
    move.nowMs,
    move.failure === undefined ? null : JSON.stringify(move.failure),
    move.nowMs,
    move.jobId,
  );
  return cursor.rowsWritten > 0;
}

/**
 * The job, if `run` may still work on it. Errors: `run-superseded` where a newer run has taken
 * over or the job has ended.
 */
export function getJobOfRun(
  sql: SqlStorage,
  { jobId, run }: { jobId: string; run: number },
): JobRow {
  const job = findJob(sql, jobId);
  if (job === undefined || job.run !== run || !isActive(job.state)) {
    const why =
      job === undefined ? "was deleted" : job.run === run ? `is ${job.state}` : "has a newer run";
    throw new ExportError("run-superseded", `run ${run} of job ${jobId} ends: the job ${why}`);
  }
  return job;
}

/** One page of jobs, newest first, behind `after`. */
export function listJobs(
  sql: SqlStorage,
  page: {
    status: JobState | undefined;
    limit: number;
    after: { createdAtMs: number; jobId: string } | undefined;
    nowMs: number;
  },
): JobRow[] {
  const conditions: string[] = [];
  const values: (string | number)[] = [];
  if (page.status !== undefined) {
    conditions.push(`${STATE_AT} = ?`);
    values.push(page.nowMs, page.status);
  }
  if (page.after !== undefined) {
    conditions.push("(created_at_ms, job_id) < (?, ?)");
    values.push(page.after.createdAtMs, page.after.jobId);
  }
  const where = conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`;
  return sql
    .exec<JobRow>(
      `SELECT * FROM tmp_export_jobs ${where} ORDER BY created_at_ms DESC, job_id DESC LIMIT ?`,
      ...values,
      page.limit,
    )
    .toArray();
}

/** Removes every row of a job, but for what it has discarded: that goes once it has been removed. */
export function deleteJobRows(sql: SqlStorage, jobId: string): void {
  const tables = ["blobs", "uploads", "parts", "chunks", "artifacts", "tables"];
  for (const table of tables) {
    sql.exec(`DELETE FROM tmp_export_job_${table} WHERE job_id = ?`, jobId);
  }
  sql.exec("DELETE FROM tmp_export_jobs WHERE job_id = ?", jobId);
}

type ArtifactRow = {
  ordinal: number;
  name: string;
  content_type: string;
  object_key: string;
  state: string;
  upload_id: string | null;
  bytes: number;
  part_count: number;
  sha256: string | null;
  crc32: number | null;
};

/** A job's artifacts in order, or those in one state. */
export function listArtifacts(
  sql: SqlStorage,
  jobId: string,
  filter: { limit?: number; state?: ArtifactState; ordinal?: number } = {},
): ArtifactRecord[] {
  return sql
    .exec<ArtifactRow>(
      `SELECT ordinal, name, content_type, object_key, state, upload_id, bytes, part_count, sha256, crc32
       FROM tmp_export_job_artifacts
       WHERE job_id = ? AND (?2 IS NULL OR state = ?2) AND (?3 IS NULL OR ordinal = ?3)
       ORDER BY ordinal LIMIT ?4`,
      jobId,
      filter.state ?? null,
      filter.ordinal ?? null,
      filter.limit ?? -1,
    )
    .toArray()
    .map((row) => ({
      ordinal: row.ordinal,
      name: row.name,
      contentType: row.content_type,
      objectKey: row.object_key,
      state: row.state as ArtifactState,
      uploadId: row.upload_id,
      bytes: row.bytes,
      partCount: row.part_count,
      sha256: row.sha256,
      crc32: row.crc32,
    }));
}
