import type { CallbackAttempt, CallbackTurn } from "../../rpc/run-jobs.ts";
import { CALLBACK_ATTEMPTS_MAX } from "../../notify/callback-schedule.ts";
import type { JobRow } from "./job-rows.ts";

const ENDED = "state IN ('completed', 'failed', 'cancelled', 'expired')";

/**
 * How long a post may be on its way before another may be begun, in milliseconds: more than its timeout
 * of 10 seconds, with time to record how it ended.
 */
const POST_MS_MAX = 20_000;

/** A sender's turn, without the callback that it must post. */
export type PostTurn = Exclude<CallbackTurn, { do: "post" }> | { do: "post" };

/**
 * Counts attempt number `attempt` as begun, before anything is sent: so a job has at most ten posts,
 * however many senders it has and wherever they die. Only one post is on its way at a time. An attempt
 * that was begun and whose end nobody has recorded is not repeated: the next one follows it.
 */
export function beginPost(
  sql: SqlStorage,
  job: JobRow,
  { attempt, nowMs }: { attempt: number; nowMs: number },
): PostTurn {
  if (!isCallbackPending(job)) return { do: "end" };
  const begun = Math.max(job.callback_posts, job.callback_attempts);
  const isUnderWay = job.callback_posts > job.callback_attempts;
  const wait = (untilMs: number | null, next = begun + 1): PostTurn => ({
    do: "wait",
    attempt: next,
    delayMs: Math.max(0, (untilMs ?? 0) - nowMs),
  });
  const lostAtMs = (job.callback_posted_at_ms ?? 0) + POST_MS_MAX;
  // Not for the next attempt: when that is due is known once this one has ended.
  if (isUnderWay && lostAtMs > nowMs) return wait(lostAtMs, begun);
  if (begun >= CALLBACK_ATTEMPTS_MAX) {
    const error = "nobody recorded how the last attempt ended";
    recordCallback(sql, {
      jobId: job.job_id,
      attempt: begun,
      move: { status: "failed" },
      error,
      nowMs,
    });
    return { do: "end" };
  }
  if (attempt <= begun) return wait(isUnderWay ? null : job.callback_next_attempt_at_ms);
  sql.exec(
    "UPDATE tmp_export_jobs SET callback_posts = ?, callback_posted_at_ms = ? WHERE job_id = ?",
    attempt,
    nowMs,
    job.job_id,
  );
  return { do: "post" };
}

/**
 * Keeps how a try ended. Nothing changes where the job is gone, its callback is over, or a later try is
 * known already; but what was delivered is delivered.
 */
export function recordCallback(sql: SqlStorage, tried: CallbackAttempt): void {
  const { move } = tried;
  sql.exec(
    `UPDATE tmp_export_jobs SET callback_status = ?1, callback_attempts = max(callback_attempts, ?2),
       callback_posts = max(callback_posts, ?2), callback_last_error = ?3,
       callback_next_attempt_at_ms = ?4
     WHERE job_id = ?5 AND callback_status = 'pending'
       AND (callback_posts <= ?2 OR ?1 = 'delivered')`,
    move.status,
    tried.attempt,
    tried.error,
    move.status === "pending" ? tried.nowMs + move.delayMs : null,
    tried.jobId,
  );
}

/** True where a job has ended and its callback is neither delivered nor given up. */
export function isCallbackPending(job: JobRow): boolean {
  return job.callback_status === "pending" && job.completed_at_ms !== null;
}

/** The shortest time in which a sender counts as alive: its post, and a retry of its step. */
const SENDER_GRACE_MS_MIN = 60_000;

/** How late a callback is before another sender is started for it. */
export function callbackGraceMs(stallMs: number): number {
  return Math.max(stallMs, SENDER_GRACE_MS_MIN);
}

/**
 * When the first pending callback of an ended job is so late that its sender must have died; null if
 * none is pending. Until then its sender waits by itself.
 */
export function firstOverdueCallbackMs(sql: SqlStorage, graceMs: number): number | null {
  const { first } = sql
    .exec<{ first: number | null }>(
      `SELECT min(max(coalesce(callback_next_attempt_at_ms, completed_at_ms), coalesce(ending_at_ms, 0),
           coalesce(callback_posted_at_ms, 0))) AS first FROM tmp_export_jobs WHERE callback_status = 'pending' AND ${ENDED}`,
    )
    .one();
  return first === null ? null : first + graceMs + 1;
}

/**
 * Ended jobs whose callback is pending and `graceMs` late, and for which no post was begun and no
 * instance started as long: its sender has died, or never lived. At most `limit`, the longest overdue
 * first.
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
         AND coalesce(ending_at_ms, 0) < ?1 AND coalesce(callback_posted_at_ms, 0) < ?1
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
