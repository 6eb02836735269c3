import { handOverIf } from "../commands/hand-over.ts";
import { createRun } from "../commands/start-run.ts";
import { terminateRun } from "../commands/terminate-run.ts";
import type { JobsContext } from "../jobs-context.ts";
import type { JobRow } from "../tables/job-rows.ts";
import type { InstanceCondition } from "../workflow-instances.ts";

/**
 * Ends the run of a job that does not respond, and gives the job to the next run. If Workflows
 * cannot be reached, the job keeps its run, and the next alarm tries again.
 *
 * The instance comes first and the row second, so nothing must be undone. Wherever this is
 * interrupted, the job recovers without using up a run:
 *
 * - Before the old instance ends: nothing has happened.
 * - After that: the row's run has an ended instance, which the next alarm replaces.
 * - After the next instance was created, even if the answer is lost: the row is one run behind. The
 *   instance's first step takes over the job (`beginRun`), or the next alarm finds that the
 *   instance exists and moves the row. Both call `handOverIf`; the later call changes nothing.
 * - After the row was moved: everything is done.
 *
 * The old run may work again in between. It then ends at its next commit, like any run that was
 * replaced.
 */
export async function replaceRun(
  context: JobsContext,
  job: JobRow,
  { nowMs, instance }: { nowMs: number; instance: InstanceCondition },
): Promise<void> {
  const silent = `it was silent for ${Math.round((nowMs - job.heartbeat_at_ms) / 1_000)} s`;
  const rescuedFor = instance === "ended" ? `${silent}, and its instance has ended` : silent;
  const next = { jobId: job.job_id, run: job.run + 1, rescuedFor };
  if (instance !== "ended") await terminateRun(context, job);
  await createRun(context, next);
  handOverIf(context.sql, next, Date.now());
}
