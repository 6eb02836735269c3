import type { JobsContext } from "../jobs-context.ts";
import { toInstanceId, type JobRow } from "../tables/job-rows.ts";
import { readCondition } from "../workflow-instances.ts";
import type { InstanceCondition } from "../workflow-instances.ts";

/** Returns what Workflows reports of a job's run. */
export async function findInstanceCondition(
  { env }: JobsContext,
  job: JobRow,
): Promise<InstanceCondition> {
  try {
    return await readCondition(env.EXPORT_WORKFLOW, toInstanceId(job));
  } catch (cause) {
    console.warn({
      message: "could not read the instance's status",
      jobId: job.job_id,
      cause: String(cause),
    });
    return "unknown";
  }
}
