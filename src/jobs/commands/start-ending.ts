import type { RunPayload } from "../../rpc/run-payload.ts";
import type { JobsContext } from "../jobs-context.ts";
import { isCallbackPending } from "../tables/job-callback-columns.ts";
import { recordEnding } from "../tables/job-due-columns.ts";
import { toEndingInstanceId, findJob } from "../tables/job-rows.ts";
import { recordStreamEnding, type StreamRow } from "../tables/stream-rows.ts";

/**
 * Starts an instance that removes what an ended job left in its database and sends its callback, if
 * either remains to be done and no run is left to do it. If that fails, the watchdog tries again.
 */
export async function startEnding({ sql, env }: JobsContext, jobId: string): Promise<void> {
  const job = findJob(sql, jobId);
  if (job === undefined || !(isCallbackPending(job) || job.snapshot_open !== 0)) return;
  const endings = job.endings + 1;
  recordEnding(sql, jobId, { endings, nowMs: Date.now() });
  // This is not the next attempt, which must wait for its time and may be hours away.
  const callbackFrom = Math.max(job.callback_attempts, job.callback_posts, 1);
  const kind = job.kind === "restore" ? "restore-ending" : "ending";
  const params: RunPayload = { kind, jobId, run: job.run, callbackFrom };
  try {
    await env.EXPORT_WORKFLOW.create({ id: toEndingInstanceId({ ...job, endings }), params });
  } catch (cause) {
    console.warn({ message: "ending not started", jobId, cause: String(cause) });
  }
}

/**
 * Starts an instance that closes the snapshot of a stream whose lease has expired. If that fails,
 * the watchdog tries again.
 */
export async function startStreamEnding(
  { sql, env }: JobsContext,
  stream: StreamRow,
): Promise<void> {
  const endings = stream.endings + 1;
  const streamId = stream.stream_id;
  recordStreamEnding(sql, streamId, { endings, nowMs: Date.now() });
  const id = toEndingInstanceId({ job_id: streamId, endings });
  try {
    await env.EXPORT_WORKFLOW.create({ id, params: { kind: "stream-ending", streamId } });
  } catch (cause) {
    console.warn({ message: "ending not started", streamId, cause: String(cause) });
  }
}
