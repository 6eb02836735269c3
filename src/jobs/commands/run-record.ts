import type { RunParams } from "../../rpc/run-payload.ts";
import { readSettings } from "../../config/settings.ts";
import { ExportError, type Failure } from "../../api/errors.ts";
import type { SnapshotToClose } from "../../rpc/run-jobs.ts";
import { isActive } from "../../api/job-state.ts";
import type { JobView } from "../../api/job-view.ts";
import { CORRUPT_RESTARTS_MAX, RESTARTS_MAX } from "../../api/limits.ts";
import { dropCarry } from "../tables/carry.ts";
import { voidPlan } from "../tables/chunk-ledger.ts";
import { removeDiscardsNow } from "../tables/discards.ts";
import { endJobIf } from "./end-job.ts";
import { deleteUnfinished } from "../../storage/inline/inline-objects.ts";
import { openArtifactStore } from "../../storage/open-artifact-store.ts";
import {
  findJob,
  getJob,
  getJobOfRun,
  type JobRow,
  moveJobIf,
  parseRequest,
  SNAPSHOT_TABLES_LEFT,
} from "../tables/job-rows.ts";
import { jobViewOf } from "../views/job-view.ts";
import { dropTurn } from "../tables/kept-turn.ts";
import { scheduleWatchdog } from "../watchdog/job-watchdog.ts";
import type { JobsContext } from "../jobs-context.ts";
import { findStream } from "../tables/stream-rows.ts";

const HOUR_MS = 3_600_000;

/**
 * The job a run works on, moved to `running`. Its parts keep the size that it begins with: a deployment
 * that changes EXPORT_PART_BYTES must not break an upload. Errors: `run-superseded`.
 */
export function beginRun({ sql, env }: JobsContext, of: RunParams): JobRow {
  getJobOfRun(sql, of);
  sql.exec(
    "UPDATE tmp_export_jobs SET part_bytes = ? WHERE job_id = ? AND part_bytes IS NULL",
    readSettings(env).partBytes,
    of.jobId,
  );
  moveJobIf(sql, { jobId: of.jobId, to: "running", nowMs: Date.now() });
  return getJobOfRun(sql, of);
}

/** A run shows that it works. Errors: `run-superseded`. */
export function beat(sql: SqlStorage, of: RunParams): void {
  getJobOfRun(sql, of);
  const update = "UPDATE tmp_export_jobs SET heartbeat_at_ms = ? WHERE job_id = ?";
  sql.exec(update, Date.now(), of.jobId);
}

/** Counts a step and what it has spent; shows that its run works. */
export function countStep(sql: SqlStorage, jobId: string, r2ClassAOperations = 0): void {
  sql.exec(
    `UPDATE tmp_export_jobs SET usage_steps = usage_steps + 1,
       usage_r2_class_a = usage_r2_class_a + ?, heartbeat_at_ms = ? WHERE job_id = ?`,
    r2ClassAOperations,
    Date.now(),
    jobId,
  );
}

/**
 * Keeps the id of a snapshot that is about to be opened, so that it can be found whatever becomes of
 * the opening. Errors: `run-superseded`; `try-overtaken` where another try has opened one and planned.
 */
export function recordSnapshot(
  sql: SqlStorage,
  of: RunParams,
  { snapshotId, isFrozen }: { snapshotId: string; isFrozen: boolean },
): void {
  if (getJobOfRun(sql, of).cursor_json !== null) {
    throw new ExportError("try-overtaken", "another try has planned the job meanwhile");
  }
  // What an earlier attempt may have opened is still to be closed, even if this one opens nothing.
  sql.exec(
    "UPDATE tmp_export_jobs SET snapshot_id = ?, snapshot_open = iif(?, 1, snapshot_open) WHERE job_id = ?",
    snapshotId,
    isFrozen ? 1 : 0,
    of.jobId,
  );
}

/**
 * True where nobody needs a snapshot: its job is over, or has opened another one meanwhile; its
 * stream's lease has run out.
 */
export function isSnapshotLeftover(
  sql: SqlStorage,
  { jobId, snapshotId, nowMs }: { jobId: string; snapshotId: string; nowMs: number },
): boolean {
  const stream = findStream(sql, jobId);
  if (stream !== undefined) return stream.lease_until_ms <= nowMs;
  const job = findJob(sql, jobId);
  // A job that this deployment does not know may be another's, which its lease protects.
  return job !== undefined && (!isActive(job.state) || job.snapshot_id !== snapshotId);
}

/** A snapshot's triggers are gone from its source, and its tables except for `tablesLeft` empty ones. */
export function recordClosed(
  sql: SqlStorage,
  jobId: string,
  { snapshotId, tablesLeft }: { snapshotId: string; tablesLeft: number },
): void {
  sql.exec(
    "UPDATE tmp_export_jobs SET snapshot_open = ? WHERE job_id = ? AND snapshot_id = ?",
    tablesLeft > 0 ? SNAPSHOT_TABLES_LEFT : 0,
    jobId,
    snapshotId,
  );
}

/** The snapshot that a run may close: null where there is none, or a newer run reads it. */
export function snapshotToClose(sql: SqlStorage, of: RunParams): SnapshotToClose | null {
  const job = findJob(sql, of.jobId);
  if (job === undefined || job.snapshot_id === null || job.snapshot_open === 0) return null;
  if (job.run !== of.run && isActive(job.state)) return null;
  return { request: parseRequest(job), snapshotId: job.snapshot_id };
}

/**
 * Takes a job back to its beginning, where it may begin again with a new snapshot: says whether it
 * may. `opening` numbers the run's openings from 1, and says which has failed; for one that was taken
 * back already nothing is changed. What the job has in the store is removed. Errors: `run-superseded`.
 */
export async function startOver(
  context: JobsContext,
  of: RunParams,
  { opening, reason }: { opening: number; reason: Failure },
): Promise<{ again: boolean }> {
  const { sql, storage } = context;
  const nowMs = Date.now();
  const again = storage.transactionSync(() => {
    const job = getJobOfRun(sql, of);
    if (job.started_over >= opening) return true;
    const isCorrupt = reason.code === "artifact-corrupt";
    const mayRestart = isCorrupt
      ? job.corrupt_restarts < CORRUPT_RESTARTS_MAX
      : job.restarts - job.corrupt_restarts < RESTARTS_MAX;
    if (!mayRestart) return false;
    const warning = `begun again with a new snapshot: ${reason.message}`;
    voidPlan(sql, job, { opening, warning, isCorrupt, nowMs });
    countStep(sql, of.jobId);
    return true;
  });
  await scheduleWatchdog(context);
  if (again) await removeDiscardsNow(context, of.jobId);
  return { again };
}

/** Ends a job well. Errors: `run-superseded`, unless it has ended so before. */
export function completeJob({ sql, storage, env }: JobsContext, of: RunParams): JobView {
  const job = getJob(sql, of.jobId);
  if (job.state !== "completed" || job.run !== of.run) {
    getJobOfRun(sql, of);
    const nowMs = Date.now();
    const { retentionHours } = parseRequest(job);
    storage.transactionSync(() => {
      moveJobIf(sql, { jobId: of.jobId, to: "completed", nowMs });
      sql.exec(
        "UPDATE tmp_export_jobs SET expires_at_ms = ? WHERE job_id = ?",
        nowMs + retentionHours * HOUR_MS,
        of.jobId,
      );
      dropCarry(sql, of.jobId);
      dropTurn(sql, of.jobId);
      deleteUnfinished(sql, of.jobId);
      // The manifest was put.
      countStep(sql, of.jobId, openArtifactStore(env).billedOperations.write);
    });
  }
  return jobViewOf(sql, getJob(sql, of.jobId));
}

/**
 * Ends a job that cannot go on: uploads are given up, the failure is kept. Says whether its callback
 * is to be sent by the caller.
 */
export async function failJob(
  context: JobsContext,
  of: RunParams,
  failure: Failure,
): Promise<{ callback: boolean }> {
  const { sql } = context;
  const job = findJob(sql, of.jobId);
  if (job === undefined || job.run !== of.run) return { callback: false };
  const callback = job.callback_status === "pending";
  if (!isActive(job.state)) return { callback: callback && job.state === "failed" };
  endJobIf(context, { jobId: of.jobId, to: "failed", nowMs: Date.now(), failure });
  await removeDiscardsNow(context, of.jobId);
  return { callback };
}
