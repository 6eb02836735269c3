import type { CallbackMove } from "../model/callback-schedule.ts";
import type { JobRow } from "./job-rows.ts";

const ENDED = "state IN ('completed', 'failed', 'cancelled', 'expired')";

/** What one try changes. */
export interface CallbackTried {
  jobId: string;
  /** From 1. */
  attempt: number;
  move: CallbackMove;
  /** Why it was not delivered; without secrets. */
  error: string | null;
  nowMs: number;
}

/**
 * Keeps how a try ended. Nothing changes where the job is gone, its callback is over, or the try is
 * known already; so two senders that race count a try once.
 */
export function recordCallback(sql: SqlStorage, tried: CallbackTried): void {
  const { move } = tried;
  sql.exec(
    `UPDATE tmp_export_jobs SET callback_status = ?, callback_attempts = ?,
       callback_last_error = ?, callback_next_attempt_at_ms = ?
     WHERE job_id = ? AND callback_status = 'pending' AND callback_attempts < ?`,
    move.status,
    tried.attempt,
    tried.error,
    move.status === "pending" ? tried.nowMs + move.delayMs : null,
    tried.jobId,
    tried.attempt,
  );
}

/** True where a job has ended and its callback is neither delivered nor given up. */
export function isCallbackPending(job: JobRow): boolean {
  return job.callback_status === "pending" && job.completed_at_ms !== null;
}

/** An ended job's callback that is neither delivered nor given up. */
export interface PendingCallback {
  url: string;
  /** What links in the job's view start with. */
  origin: string;
  /** Tries so far. */
  attempts: number;
  nextAttemptAtMs: number | null;
  endedAtMs: number;
}

/** A job's callback, where it is still to be sent. */
export function findPendingCallback(job: JobRow): PendingCallback | undefined {
  if (job.callback_url === null || !isCallbackPending(job)) return undefined;
  return {
    url: job.callback_url,
    origin: job.origin,
    attempts: job.callback_attempts,
    nextAttemptAtMs: job.callback_next_attempt_at_ms,
    endedAtMs: job.completed_at_ms ?? 0,
  };
}

/**
 * When the first pending callback of an ended job is so late that its sender must have died; null if
 * none is pending. Until then its sender waits by itself.
 */
export function firstOverdueCallbackMs(sql: SqlStorage, graceMs: number): number | null {
  const { first } = sql
    .exec<{ first: number | null }>(
      `SELECT min(max(coalesce(callback_next_attempt_at_ms, completed_at_ms), coalesce(ending_at_ms, 0)))
         AS first FROM tmp_export_jobs WHERE callback_status = 'pending' AND ${ENDED}`,
    )
    .one();
  return first === null ? null : first + graceMs + 1;
}

/**
 * Ended jobs whose callback is pending and `graceMs` late, and for which no instance was started as
 * long: its sender has died, or never lived. At most `limit`, the longest overdue first.
 */
export function listOverdueCallbacks(
  sql: SqlStorage,
  of: { nowMs: number; graceMs: number; limit: number },
): { jobId: string; run: number; nextAttempt: number }[] {
  return sql
    .exec<{ job_id: string; run: number; callback_attempts: number }>(
      `SELECT job_id, run, callback_attempts FROM tmp_export_jobs
       WHERE callback_status = 'pending' AND ${ENDED}
         AND coalesce(callback_next_attempt_at_ms, completed_at_ms) < ?1
         AND coalesce(ending_at_ms, 0) < ?1
       ORDER BY coalesce(callback_next_attempt_at_ms, completed_at_ms) LIMIT ?2`,
      of.nowMs - of.graceMs,
      of.limit,
    )
    .toArray()
    .map((row) => ({
      jobId: row.job_id,
      run: row.run,
      nextAttempt: row.callback_attempts + 1,
    }));
}
