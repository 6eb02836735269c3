import type { CallbackAttempt } from "../../rpc/run-jobs.ts";
import type { JobRow } from "./job-rows.ts";
import { ENDED } from "./state-sql.ts";

/*
 * The columns of `tmp_export_jobs` that hold a job's callback: `callback_url`, `callback_status`,
 * `callback_attempts`, `callback_last_error`, `callback_next_attempt_at_ms`, `callback_posts`,
 * `callback_posted_at_ms`.
 */

/** Reports whether a job has ended and its callback is neither delivered nor abandoned. */
export function isCallbackPending(job: JobRow): boolean {
  return job.callback_status === "pending" && job.completed_at_ms !== null;
}

/** Records that attempt number `attempt` is about to be posted. */
export function recordPost(
  sql: SqlStorage,
  post: { jobId: string; attempt: number; nowMs: number },
): void {
  sql.exec(
    "UPDATE tmp_export_jobs SET callback_posts = ?, callback_posted_at_ms = ? WHERE job_id = ?",
    post.attempt,
    post.nowMs,
    post.jobId,
  );
}

/**
 * Records how an attempt ended. Nothing changes if the job is gone, if its callback is over, or if
 * a later attempt is already recorded; but a delivery always counts.
 */
export function recordCallback(sql: SqlStorage, attempted: CallbackAttempt): void {
  const { move } = attempted;
  sql.exec(
    `UPDATE tmp_export_jobs SET callback_status = ?1, callback_attempts = max(callback_attempts, ?2),
       callback_posts = max(callback_posts, ?2), callback_last_error = ?3,
       callback_next_attempt_at_ms = ?4
     WHERE job_id = ?5 AND callback_status = 'pending'
       AND (callback_posts <= ?2 OR ?1 = 'delivered')`,
    move.status,
    attempted.attempt,
    attempted.error,
    move.status === "pending" ? attempted.nowMs + move.delayMs : null,
    attempted.jobId,
  );
}

/** The shortest time in which a sender counts as alive: its post, and a retry of its step. */
const SENDER_GRACE_MS_MIN = 60_000;

/** Returns how late a callback must be before another sender is started for it. */
export function getCallbackGraceMs(stallMs: number): number {
  return Math.max(stallMs, SENDER_GRACE_MS_MIN);
}

/** The condition for an ended job whose callback is pending. */
const UNCALLED = `callback_status = 'pending' AND ${ENDED}`;

/** When the sender of a pending callback was last due, or last showed that it works. */
const SENDER_DUE_MS = `max(coalesce(callback_next_attempt_at_ms, completed_at_ms), coalesce(ending_at_ms, 0),
  coalesce(callback_posted_at_ms, 0))`;

/**
 * Returns when the first pending callback of an ended job is so late that its sender must have
 * died; null if none is pending. Until then, its sender is waiting.
 */
export function findFirstOverdueCallbackMs(sql: SqlStorage, graceMs: number): number | null {
  const [first] = sql
    .exec<{ due: number }>(
      `SELECT ${SENDER_DUE_MS} AS due FROM tmp_export_jobs
       WHERE ${UNCALLED} AND ${SENDER_DUE_MS} >= 0 ORDER BY ${SENDER_DUE_MS} LIMIT 1`,
    )
    .toArray();
  return first === undefined ? null : first.due + graceMs + 1;
}

/**
 * Returns ended jobs whose callback is pending and `graceMs` late. During that time no post began
 * and no instance started: the sender has died, or never existed. At most `limit`, the longest
 * overdue first.
 */
export function listOverdueCallbacks(
  sql: SqlStorage,
  { nowMs, graceMs, limit }: { nowMs: number; graceMs: number; limit: number },
): { jobId: string; run: number; nextAttempt: number }[] {
  return sql
    .exec<{ job_id: string; run: number; callback_attempts: number }>(
      `SELECT job_id, run, callback_attempts FROM tmp_export_jobs
       WHERE ${UNCALLED} AND ${SENDER_DUE_MS} < ? ORDER BY ${SENDER_DUE_MS} LIMIT ?`,
      nowMs - graceMs,
      limit,
    )
    .toArray()
    .map((row) => ({
      jobId: row.job_id,
      run: row.run,
      nextAttempt: row.callback_attempts + 1,
    }));
}
