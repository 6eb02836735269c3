import type { CallbackTurn } from "../../rpc/run-jobs.ts";
import { beginPost, isCallbackPending } from "../tables/job-callback-columns.ts";
import { findJob } from "../tables/job-rows.ts";
import { jobViewOf } from "../views/job-view.ts";

/** Returns what the sender of an ended job's callback must do for attempt number `attempt`. */
export function takeCallbackTurn(sql: SqlStorage, jobId: string, attempt: number): CallbackTurn {
  const job = findJob(sql, jobId);
  if (job === undefined || job.callback_url === null || !isCallbackPending(job)) {
    return { do: "end" };
  }
  const turn = beginPost(sql, job, { attempt, nowMs: Date.now() });
  if (turn.do !== "post") return turn;
  return {
    do: "post",
    callback: {
      url: job.callback_url,
      origin: job.origin,
      endedAtMs: job.completed_at_ms ?? 0,
      view: jobViewOf(sql, job),
    },
  };
}
