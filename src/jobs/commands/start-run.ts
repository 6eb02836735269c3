import type { RunId, RunStart } from "../../rpc/run-payload.ts";
import type { JobsContext } from "../jobs-context.ts";
import { getJob, toInstanceId } from "../tables/job-rows.ts";
import { createOnce } from "../workflow-instances.ts";

/**
 * Starts the run of a job that has none yet. If Workflows cannot be reached, the job stays queued,
 * and the watchdog starts it.
 */
export async function startRun(context: JobsContext, run: RunId): Promise<void> {
  try {
    await createRun(context, run);
  } catch (cause) {
    console.warn({
      message: "run not started; the watchdog will try again",
      jobId: run.jobId,
      cause: String(cause),
    });
  }
}

/**
 * Creates the instance of a run. Its id consists of the job's id and the run, so a repeat is
 * harmless.
 */
export async function createRun({ env, sql }: JobsContext, run: RunStart): Promise<void> {
  const id = toInstanceId({ job_id: run.jobId, run: run.run });
  const { kind } = getJob(sql, run.jobId);
  await createOnce(env.EXPORT_WORKFLOW, { id, params: { kind, ...run } });
}
