import type { RunId } from "../../rpc/run-payload.ts";
import type { Rescue } from "./job-rows.ts";
import { ACTIVE } from "./state-sql.ts";

/*
 * The columns of `tmp_export_jobs` that show which run works on a job, when it last worked, and
 * what it has cost: `run`, `heartbeat_at_ms`, `woken_at_ms`, `waited_at_ms`, `waiting_as`,
 * `rescues_json`, `part_bytes`, `usage_steps`, `usage_r2_class_a`.
 */

/** Records that a job's run is working. */
export function recordBeat(sql: SqlStorage, jobId: string, nowMs: number): void {
  sql.exec("UPDATE tmp_export_jobs SET heartbeat_at_ms = ? WHERE job_id = ?", nowMs, jobId);
}

/** Counts a step and its cost, and records that the run is working. */
export function countStep(sql: SqlStorage, jobId: string, r2ClassAOperations = 0): void {
  sql.exec(
    `UPDATE tmp_export_jobs SET usage_steps = usage_steps + 1,
       usage_r2_class_a = usage_r2_class_a + ?, heartbeat_at_ms = ? WHERE job_id = ?`,
    r2ClassAOperations,
    Date.now(),
    jobId,
  );
}

/** Records the size of a job's parts, unless it has one. */
export function recordPartBytesIf(sql: SqlStorage, jobId: string, partBytes: number): void {
  sql.exec(
    "UPDATE tmp_export_jobs SET part_bytes = ? WHERE job_id = ? AND part_bytes IS NULL",
    partBytes,
    jobId,
  );
}

/** Records that a run's instance was seen waiting: its silence counts from this time. */
export function recordWaiting(
  sql: SqlStorage,
  { jobId, run }: RunId,
  waiting: { nowMs: number; as: string },
): void {
  sql.exec(
    "UPDATE tmp_export_jobs SET waited_at_ms = ?, waiting_as = ? WHERE job_id = ? AND run = ?",
    waiting.nowMs,
    waiting.as,
    jobId,
    run,
  );
}

/** Records that the watchdog wakes a run. */
export function recordWoken(sql: SqlStorage, { jobId, run }: RunId, nowMs: number): void {
  sql.exec(
    "UPDATE tmp_export_jobs SET woken_at_ms = ? WHERE job_id = ? AND run = ?",
    nowMs,
    jobId,
    run,
  );
}

/**
 * Moves an active job from `run` to the next run, whose time starts at `nowMs`. Reports whether it
 * did: nothing changes if another run works on the job, or if it has ended.
 */
export function moveRunIf(
  sql: SqlStorage,
  { jobId, run }: RunId,
  moved: { nowMs: number; rescues: readonly Rescue[] },
): boolean {
  const { rowsWritten } = sql.exec(
    `UPDATE tmp_export_jobs SET run = run + 1, woken_at_ms = NULL, waited_at_ms = NULL,
       heartbeat_at_ms = ?, started_over = 0, rescues_json = ?
     WHERE job_id = ? AND run = ? AND ${ACTIVE}`,
    moved.nowMs,
    JSON.stringify(moved.rescues),
    jobId,
    run,
  );
  return rowsWritten > 0;
}
