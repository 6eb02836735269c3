import { callWithin } from "../../lib/call-within.ts";
import type { JobsContext } from "../jobs-context.ts";
import { isInQueue } from "../tables/job-queue-columns.ts";
import { toInstanceId, type JobRow } from "../tables/job-rows.ts";

/**
 * How long Workflows may take. The caller's next action must not wait for an instance that hangs.
 */
const TERMINATE_MS_MAX = 10_000;

/**
 * Ends the instance of a job's run if it is still alive; a job in the queue has none. If that fails, the run's commits are
 * refused anyway.
 */
export async function terminateRun({ env }: JobsContext, job: JobRow): Promise<void> {
  if (isInQueue(job)) return;
  const id = toInstanceId(job);
  try {
    await callWithin(TERMINATE_MS_MAX, async () => (await env.EXPORT_WORKFLOW.get(id)).terminate());
  } catch (cause) {
    // An instance that has ended cannot be terminated.
    console.warn({ message: "terminate failed", instance: id, cause: String(cause) });
  }
}
