import type { JobsContext } from "../jobs-context.ts";
import { instanceIdOf, type JobRow } from "../tables/job-rows.ts";
import type { InstanceCondition } from "./verdict.ts";

/** Returns what Workflows reports of a job's run. */
export async function runStatus({ env }: JobsContext, job: JobRow): Promise<InstanceCondition> {
  try {
    const { status } = await (await env.EXPORT_WORKFLOW.get(instanceIdOf(job))).status();
    return CONDITIONS[status] ?? "unknown";
  } catch (cause) {
    // The instance was never made, or has been deleted.
    if (cause instanceof Error && cause.message.includes("not_found")) return "ended";
    console.warn({
      message: "instance not found out about",
      jobId: job.job_id,
      cause: String(cause),
    });
    return "unknown";
  }
}

const CONDITIONS: Partial<Record<InstanceStatus["status"], InstanceCondition>> = {
  queued: "queued",
  running: "alive",
  waiting: "alive",
  rollingBack: "alive",
  paused: "paused",
  waitingForPause: "paused",
  errored: "ended",
  terminated: "ended",
  complete: "ended",
};
