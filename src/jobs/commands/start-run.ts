import type { RunParams } from "../../rpc/run-payload.ts";
import type { JobsContext } from "../jobs-context.ts";
import { instanceIdOf } from "../tables/job-rows.ts";

/** Starts a new job's first run. If Workflows cannot be reached the job stays queued: the watchdog starts it. */
export async function startRun(context: JobsContext, jobId: string): Promise<void> {
  try {
    await createRun(context, { jobId, run: 1 });
  } catch (cause) {
    console.warn({
      message: "run not started; the watchdog will try again",
      jobId,
      cause: String(cause),
    });
  }
}

/** Creates the instance of a run. Its id is made of the job's id and the run, so a repeat is harmless. */
export async function createRun({ env }: JobsContext, params: RunParams): Promise<void> {
  const id = instanceIdOf({ job_id: params.jobId, run: params.run });
  try {
    await env.EXPORT_WORKFLOW.create({ id, params });
  } catch (cause) {
    if (!(cause instanceof Error && cause.message.includes("already_exists"))) throw cause;
  }
}
