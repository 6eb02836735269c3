import { CALLBACK_ATTEMPTS_MAX } from "../../notify/callback-schedule.ts";
import type { CallbackDecision, PendingCallback } from "../../rpc/run-jobs.ts";
import { isCallbackPending, recordCallback, recordPost } from "../tables/job-callback-columns.ts";
import { findJob, type JobKind, type JobRow } from "../tables/job-rows.ts";
import { toFleetView } from "../views/fleet-view.ts";
import { toJobView } from "../views/job-view.ts";
import { toRestoreView } from "../views/restore-view.ts";

/**
 * How long a POST may take before another may begin, in milliseconds. It is longer than the timeout of 10 seconds,
 * with time to record the result.
 */
const POST_MS_MAX = 20_000;

/** What a sender does next, without the callback that it must post. */
export type PostDecision = Exclude<CallbackDecision, { do: "post" }> | { do: "post" };

/** What a callback sends of each kind of job. */
const VIEWS: Record<JobKind, (sql: SqlStorage, job: JobRow) => PendingCallback["view"]> = {
  export: toJobView,
  restore: toRestoreView,
  fleet: toFleetView,
};

/** Returns what the sender of an ended job's callback must do for attempt number `attempt`. */
export function decideCallback(sql: SqlStorage, jobId: string, attempt: number): CallbackDecision {
  const job = findJob(sql, jobId);
  if (job === undefined || job.callback_url === null) return { do: "end" };
  const turn = beginPost(sql, job, { attempt, nowMs: Date.now() });
  if (turn.do !== "post") return turn;
  return {
    do: "post",
    callback: {
      url: job.callback_url,
      origin: job.origin,
      endedAtMs: job.completed_at_ms ?? 0,
      view: VIEWS[job.kind](sql, job),
    },
  };
}

/**
 * Counts attempt number `attempt` as started before anything is sent. A job therefore sends at most ten POSTs,
 * regardless of how many senders it has and where they stop. Only one POST runs at a time. An attempt without a
 * recorded end is not repeated: the next one follows it.
 */
export function beginPost(
  sql: SqlStorage,
  job: JobRow,
  { attempt, nowMs }: { attempt: number; nowMs: number },
): PostDecision {
  if (!isCallbackPending(job)) return { do: "end" };
  const { job_id: jobId } = job;
  const begun = Math.max(job.callback_posts, job.callback_attempts);
  const isUnderWay = job.callback_posts > job.callback_attempts;
  const wait = (untilMs: number | null, next = begun + 1): PostDecision => ({
    do: "wait",
    attempt: next,
    delayMs: Math.max(0, (untilMs ?? 0) - nowMs),
  });
  const lostAtMs = (job.callback_posted_at_ms ?? 0) + POST_MS_MAX;
  // This is not the next attempt, whose time is known only after this one has ended.
  if (isUnderWay && lostAtMs > nowMs) return wait(lostAtMs, begun);
  if (begun >= CALLBACK_ATTEMPTS_MAX) {
    const error = "the end of the last attempt was not recorded";
    recordCallback(sql, { jobId, attempt: begun, move: { status: "failed" }, error, nowMs });
    return { do: "end" };
  }
  if (attempt <= begun) return wait(isUnderWay ? null : job.callback_next_attempt_at_ms);
  recordPost(sql, { jobId, attempt, nowMs });
  return { do: "post" };
}
