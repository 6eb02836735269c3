import type { RunParams } from "../../rpc/run-payload.ts";
import type { InstanceCondition } from "../watchdog/verdict.ts";
import { isCallbackPending } from "../tables/callback-rows.ts";
import { endingInstanceIdOf, findJob, instanceIdOf, type JobRow } from "../tables/job-rows.ts";
import type { JobsContext } from "../jobs-context.ts";
import type { StreamRow } from "../tables/stream-rows.ts";
import { createOnce, readCondition } from "../workflow-instances.ts";

/** Starts a new job's first run. If Workflows cannot be reached the job stays queued: the watchdog starts it. */
export async function startRun(context: JobsContext, job: JobRow): Promise<void> {
  try {
    await createRun(context, job);
  } catch (cause) {
    console.warn({
      message: "run not started; the watchdog will try again",
      jobId: job.job_id,
      cause: String(cause),
    });
  }
}

/** Makes the instance of a job's run. Its id is made from the row, so a repeat is harmless. */
export async function createRun({ env }: JobsContext, job: JobRow): Promise<void> {
  const params: RunParams = { jobId: job.job_id, run: job.run };
  await createOnce(env.EXPORT_WORKFLOW, { id: instanceIdOf(job), params });
}

/** What Workflows tells of a job's run. */
export async function runStatus({ env }: JobsContext, job: JobRow): Promise<InstanceCondition> {
  try {
    return await readCondition(env.EXPORT_WORKFLOW, instanceIdOf(job));
  } catch (cause) {
    console.warn({
      message: "instance not found out about",
      jobId: job.job_id,
      cause: String(cause),
    });
    return "unknown";
  }
}

/** Ends a job's run, should it still live. */
export async function terminateRun({ env }: JobsContext, job: JobRow): Promise<void> {
  const id = instanceIdOf(job);
  try {
    await (await env.EXPORT_WORKFLOW.get(id)).terminate();
  } catch (cause) {
    // An instance that has ended cannot be terminated; its commits are refused in any case.
    console.warn({ message: "terminate failed", instance: id, cause: String(cause) });
  }
}

/**
 * Starts an instance that closes an ended job's snapshot and sends its callback, where either is still
 * to be done and no run is left to do it. Where it fails the watchdog tries again.
 */
export async function startEnding({ sql, env }: JobsContext, jobId: string): Promise<void> {
  const job = findJob(sql, jobId);
  if (job === undefined || !(isCallbackPending(job) || job.snapshot_open !== 0)) return;
  const endings = job.endings + 1;
  sql.exec(
    "UPDATE tmp_export_jobs SET endings = ?, ending_at_ms = ? WHERE job_id = ?",
    endings,
    Date.now(),
    jobId,
  );
  // Not the next attempt: what follows the last one waits for its time, which may be hours away.
  const callbackFrom = Math.max(job.callback_attempts, job.callback_posts, 1);
  const params: RunParams = { jobId, run: job.run, callbackFrom };
  try {
    await env.EXPORT_WORKFLOW.create({ id: endingInstanceIdOf({ ...job, endings }), params });
  } catch (cause) {
    console.warn({ message: "ending not started", jobId, cause: String(cause) });
  }
}

/**
 * Starts an instance that closes the snapshot of a stream whose lease has run out. Where it fails the
 * watchdog tries again.
 */
export async function startStreamEnding(
  { sql, env }: JobsContext,
  stream: StreamRow,
): Promise<void> {
  const endings = stream.endings + 1;
  const streamId = stream.stream_id;
  sql.exec(
    "UPDATE tmp_export_streams SET endings = ?, ending_at_ms = ? WHERE stream_id = ?",
    endings,
    Date.now(),
    streamId,
  );
  const id = endingInstanceIdOf({ job_id: streamId, endings });
  try {
    await env.EXPORT_WORKFLOW.create({ id, params: { streamId } });
  } catch (cause) {
    console.warn({ message: "ending not started", streamId, cause: String(cause) });
  }
}
