import type { Failure } from "../../api/errors.ts";
import { isActive } from "../../api/job-state.ts";
import type { RunId } from "../../rpc/run-payload.ts";
import type { JobsContext } from "../jobs-context.ts";
import { findJob } from "../tables/job-rows.ts";
import { endJobIf } from "./end-job.ts";
import { removeDiscardsNow } from "./remove-discards.ts";
import { startNextJobs } from "./start-next-jobs.ts";

/**
 * Fails a job that cannot continue: its uploads are abandoned, the failure is kept, and the next job
 * in the queue starts. `callback` reports whether the caller must send the job's callback.
 */
export async function failJob(
  context: JobsContext,
  run: RunId,
  failure: Failure,
): Promise<{ callback: boolean }> {
  const { jobId } = run;
  const job = findJob(context.sql, jobId);
  if (job === undefined || job.run !== run.run) return { callback: false };
  const callback = job.callback_status === "pending";
  if (!isActive(job.state)) return { callback: callback && job.state === "failed" };
  endJobIf(context, { jobId, to: "failed", nowMs: Date.now(), failure });
  await startNextJobs(context);
  await removeDiscardsNow(context, jobId);
  return { callback };
}
