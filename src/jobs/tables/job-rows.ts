import type { CallbackStatus } from "../../api/callback-state.ts";
import { ExportError, type Failure } from "../../api/errors.ts";
import type { JobRequest } from "../../api/export-request.ts";
import { isActive, type JobState, listStatesBefore } from "../../api/job-state.ts";
import { ENDINGS_MAX } from "../../api/limits.ts";
import type { Cursor } from "../../rpc/cursor.ts";
import type { NewJob } from "../../rpc/http-jobs.ts";
import type { DumpWriter } from "../../rpc/plan-record.ts";
import type { RunId } from "../../rpc/run-payload.ts";
import type { SnapshotRecord } from "../../rpc/snapshot-record.ts";
import { ACTIVE, ENDED } from "./state-sql.ts";

/** What a job does. All kinds share their lock, runs, queue, callback, retention and watchdog. */
export type JobKind = "export" | "restore" | "fleet";

/**
 * A complete row of `tmp_export_jobs`; docs/storage-layout.md describes the columns. This file
 * writes what a job is and its state. Other files in this folder write the other columns:
 * `job-run-columns.ts`, `job-queue-columns.ts`, `job-plan-columns.ts`, `job-callback-columns.ts`,
 * `job-due-columns.ts`, `job-restore-columns.ts`, `job-proof-columns.ts`,
 * `job-copying-columns.ts`, `job-series-columns.ts` and `job-fleet-columns.ts`. `job-list.ts` reads
 * pages of jobs.
 */
export type JobRow = {
  job_id: string;
  kind: JobKind;
  source: string;
  database_key: string;
  state: JobState;
  request_json: string;
  request_digest: string;
  idempotency_key: string | null;
  origin: string;
  run: number;
  /** The job's number in the queue; null once it is started. Void after the job has ended. */
  queue_number: number | null;
  created_at_ms: number;
  started_at_ms: number | null;
  completed_at_ms: number | null;
  expires_at_ms: number | null;
  heartbeat_at_ms: number;
  snapshot_id: string | null;
  snapshot_at_ms: number | null;
  snapshot_json: string | null;
  /** What the keys of its files in the bucket start with; null for `exports/<job_id>/<snapshot_id>/`. */
  folder: string | null;
  /**
   * How often the job restarted for any reason, and because its artifact differed from what was
   * written.
   */
  restarts: number;
  corrupt_restarts: number;
  /** The last opening of the newest run that was voided. */
  started_over: number;
  /** The runs that went silent, as a list of `Rescue`. */
  rescues_json: string;
  woken_at_ms: number | null;
  /**
   * When the run's instance was last seen waiting, and in which condition. Void after a newer
   * heartbeat.
   */
  waited_at_ms: number | null;
  waiting_as: string | null;
  /**
   * 0: nothing of it is in its database; 1: its triggers, or something of a restore, may be; `SNAPSHOT_TABLES_LEFT`:
   * empty tables are.
   */
  snapshot_open: number;
  endings: number;
  ending_at_ms: number | null;
  catalog_digest: string | null;
  /** Null if an earlier version made the plan. */
  plan_digest: string | null;
  /** What wrote the dump, as JSON of `DumpWriter`. Null if an earlier version made the plan. */
  writer_json: string | null;
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
  /** What an expired job's table and artifact rows added up to, as JSON of `JobTotals`. */
  totals_json: string | null;
  failure_json: string | null;
  /** The state of a restore; null for other kinds. */
  restore_json: string | null;
  /** The state of a fleet; null for other kinds. */
  fleet_json: string | null;
  /** The state of an export's proof; null before it begins. */
  proof_json: string | null;
  /** 1 if the manifest has a signature, or is about to get one. */
  is_signed: number;
  /** 1 if the manifest is in the store and the job is about to be completed; only set for copies. */
  manifest_stored: number;
  /** Instances that tried copies again, and when the watchdog looks after the copies. */
  copyings: number;
  copying_due_at_ms: number | null;
  /** The series in which it is, of its database; null if it is in none. */
  series_key: string | null;
  /** What kept it when its series was last explained, as JSON of `KeepReason[]`. */
  kept_by_json: string | null;
  /** Until when a download that has started may read its files. */
  read_until_ms: number | null;
  callback_url: string | null;
  callback_status: CallbackStatus;
  callback_attempts: number;
  callback_last_error: string | null;
  callback_next_attempt_at_ms: number | null;
  /** Posts that were started, including recorded attempts, and when the last one started. */
  callback_posts: number;
  callback_posted_at_ms: number | null;
};

/**
 * In `snapshot_open`: an earlier version of the code leaves such a snapshot to the next opening.
 */
export const SNAPSHOT_TABLES_LEFT = 2;

/** Why a job was given to its next run. */
export interface Rescue {
  /** The run that lost the job. */
  run: number;
  atMs: number;
  reason: string;
  /** How far the job was then; undefined for rescues of an earlier version. */
  place?: string;
}

/** Returns the request from which a job was created. */
export function parseRequest(job: Pick<JobRow, "request_json">): JobRequest {
  return JSON.parse(job.request_json) as JobRequest;
}

/** Returns the job's own warnings; `listWarnings` returns all. */
export function parseWarnings(job: Pick<JobRow, "warnings_json">): string[] {
  return JSON.parse(job.warnings_json) as string[];
}

/** Returns why a job was given to each next run, oldest first. */
export function parseRescues(job: Pick<JobRow, "rescues_json">): Rescue[] {
  return JSON.parse(job.rescues_json) as Rescue[];
}

/** Returns why a job failed; null if it did not. */
export function parseFailure({ failure_json }: Pick<JobRow, "failure_json">): Failure | null {
  return failure_json === null ? null : (JSON.parse(failure_json) as Failure);
}

/** Returns the cursor of a job's newest checkpoint. Errors: `internal-error` before the job has a plan. */
export function parseCursor({ job_id, cursor_json }: JobRow): Cursor {
  if (cursor_json === null) {
    throw new ExportError("internal-error", `job ${job_id} has no plan yet`);
  }
  return JSON.parse(cursor_json) as Cursor;
}

/** Returns what a reader of the job's snapshot needs; null if rows are read as they are. */
export function parseSnapshot({
  snapshot_json,
}: Pick<JobRow, "snapshot_json">): SnapshotRecord | null {
  return snapshot_json === null ? null : (JSON.parse(snapshot_json) as SnapshotRecord);
}

/** What the rows of an expired job's tables and artifacts added up to. */
export interface JobTotals {
  tables: number;
  rows: number;
  /** Of all artifacts. */
  bytes: number;
}

/** Returns the totals of an expired job; null if its tables and artifacts have rows. */
export function parseTotals({ totals_json }: Pick<JobRow, "totals_json">): JobTotals | null {
  return totals_json === null ? null : (JSON.parse(totals_json) as JobTotals);
}

/** Returns what wrote a job's dump; null if an earlier version made the plan. */
export function parseWriter({ writer_json }: Pick<JobRow, "writer_json">): DumpWriter | null {
  return writer_json === null ? null : (JSON.parse(writer_json) as DumpWriter);
}

/** Returns a job's state at `nowMs`. After its retention it is expired, even before the watchdog runs. */
export function getStateAt(job: Pick<JobRow, "state" | "expires_at_ms">, nowMs: number): JobState {
  const isDue = job.expires_at_ms !== null && job.expires_at_ms <= nowMs;
  return listStatesBefore("expired").includes(job.state) && isDue ? "expired" : job.state;
}

/** The id of a run's Workflow instance. */
export function toInstanceId(job: { job_id: string; run: number }): string {
  return `${job.job_id}-${job.run}`;
}

/**
 * The id of the newest instance that closes what an ended job left open, and sends its callback.
 */
export function toEndingInstanceId(job: { job_id: string; endings: number }): string {
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

/** Where each kind of job is found. */
const ROUTES: Record<JobKind, string> = {
  export: "/export/dump",
  restore: "/import/dump",
  fleet: "/export/fleet",
};

/** Returns a job of one kind. Errors: `job-not-found`, also if the job has the other kind. */
export function getJobOfKind(sql: SqlStorage, jobId: string, kind: JobKind): JobRow {
  const job = getJob(sql, jobId);
  if (job.kind === kind) return job;
  const route = ROUTES[job.kind];
  throw new ExportError(
    "job-not-found",
    `job ${jobId} is a ${job.kind}: ask for ${route}/${jobId}`,
  );
}

export function findJobByKey(sql: SqlStorage, idempotencyKey: string): JobRow | undefined {
  return sql
    .exec<JobRow>("SELECT * FROM tmp_export_jobs WHERE idempotency_key = ?", idempotencyKey)
    .toArray()[0];
}

/** True if the id of another job begins with `prefix`, which is shorter than an id. */
export function hasOtherJobLike(
  sql: SqlStorage,
  { jobId, prefix }: { jobId: string; prefix: string },
): boolean {
  // Hex digits and `-` sort before `g`.
  const [job] = sql
    .exec(
      "SELECT 1 FROM tmp_export_jobs WHERE job_id > ?1 AND job_id < ?1 || 'g' AND job_id <> ?2 LIMIT 1",
      prefix,
      jobId,
    )
    .toArray();
  return job !== undefined;
}

/**
 * Returns the job that holds a database's lock: one that is active, or a restore that has ended and may still be
 * removing what it left.
 */
export function findActiveJob(sql: SqlStorage, databaseKey: string): JobRow | undefined {
  return sql
    .exec<JobRow>(
      `SELECT * FROM tmp_export_jobs WHERE database_key = ?1 AND ${ACTIVE}
       UNION ALL SELECT * FROM tmp_export_jobs
         WHERE database_key = ?1 AND kind = 'restore' AND ${ENDED}
           AND snapshot_open <> 0 AND endings < ${ENDINGS_MAX}
       LIMIT 1`,
      databaseKey,
    )
    .toArray()[0];
}

/**
 * Returns the job if `run` may still work on it. Errors: `run-superseded` if another run works on
 * it, or if the job has ended.
 */
export function getJobOfRun(sql: SqlStorage, { jobId, run }: RunId): JobRow {
  const job = findJob(sql, jobId);
  if (job === undefined || job.run !== run || !isActive(job.state)) {
    const why =
      job === undefined ? "was deleted" : job.run === run ? `is ${job.state}` : "has a newer run";
    throw new ExportError("run-superseded", `run ${run} of job ${jobId} ends: the job ${why}`);
  }
  return job;
}

/**
 * Inserts a queued job that counts as started; `enqueueJob` puts it into the queue. Restores also
 * have a state, which `recordRestoreState` writes.
 */
export function insertJob(sql: SqlStorage, job: NewJob, kind: JobKind = "export"): void {
  sql.exec(
    `INSERT INTO tmp_export_jobs (job_id, kind, source, database_key, state, request_json, request_digest,
       idempotency_key, origin, run, created_at_ms, heartbeat_at_ms, callback_url, callback_status)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?, ?)`,
    job.jobId,
    kind,
    job.request.source,
    job.databaseKey,
    "queued" satisfies JobState,
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
 * Moves a job to `to` if its state allows it, and reports whether it did. This one UPDATE decides any
 * race between a run, a cancel and the watchdog.
 */
export function moveJobIf(
  sql: SqlStorage,
  move: { jobId: string; to: JobState; nowMs: number; failure?: Failure },
): boolean {
  const from = listStatesBefore(move.to);
  const isEnd = !isActive(move.to) && from.some(isActive);
  const moved = sql.exec(
    `UPDATE tmp_export_jobs SET state = ?, started_at_ms = coalesce(?, started_at_ms),
       completed_at_ms = coalesce(?, completed_at_ms), failure_json = coalesce(?, failure_json),
       heartbeat_at_ms = ?
     WHERE job_id = ? AND state IN (SELECT value FROM json_each(?))`,
    move.to,
    move.to === "running" ? move.nowMs : null,
    isEnd ? move.nowMs : null,
    move.failure === undefined ? null : JSON.stringify(move.failure),
    move.nowMs,
    move.jobId,
    JSON.stringify(from),
  );
  return moved.rowsWritten > 0;
}

/** Records when the retention of a job's files ends; null if something else decides. */
export function recordExpiry(sql: SqlStorage, jobId: string, expiresAtMs: number | null): void {
  sql.exec("UPDATE tmp_export_jobs SET expires_at_ms = ? WHERE job_id = ?", expiresAtMs, jobId);
}

/** Frees a job's Idempotency-Key: the next request with it starts another job. */
export function freeKey(sql: SqlStorage, jobId: string): void {
  sql.exec("UPDATE tmp_export_jobs SET idempotency_key = NULL WHERE job_id = ?", jobId);
}

export function deleteJobRow(sql: SqlStorage, jobId: string): void {
  sql.exec("DELETE FROM tmp_export_jobs WHERE job_id = ?", jobId);
}
