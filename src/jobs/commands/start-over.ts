import type { Failure } from "../../api/errors.ts";
import { CORRUPT_RESTARTS_MAX, RESTARTS_MAX } from "../../api/limits.ts";
import type { RunId } from "../../rpc/run-payload.ts";
import type { JobsContext } from "../jobs-context.ts";
import { voidPlan } from "../tables/job-plan-columns.ts";
import { getJobOfRun } from "../tables/job-rows.ts";
import { countStep } from "../tables/job-run-columns.ts";
import { deletePlanned } from "./commit-plan.ts";
import { discardCopies } from "./discard-copies.ts";
import { discardFiles } from "./discard-files.ts";
import { removeDiscardsNow } from "./remove-discards.ts";
import { scheduleWatchdog } from "./schedule-watchdog.ts";

/**
 * Voids a job's plan so that it restarts with a new snapshot; `again` is false if it may not
 * restart. `opening` numbers the run's openings from 1 and identifies the one that failed; if that
 * one is already void, nothing changes. The job's files in the store are removed. Errors:
 * `run-superseded`.
 */
export async function startOver(
  context: JobsContext,
  run: RunId,
  { opening, reason }: { opening: number; reason: Failure },
): Promise<{ again: boolean }> {
  const { sql, storage } = context;
  const { jobId } = run;
  const again = storage.transactionSync(() => {
    const job = getJobOfRun(sql, run);
    if (job.started_over >= opening) return true;
    const isCorrupt = reason.code === "artifact-corrupt";
    const mayRestart = isCorrupt
      ? job.corrupt_restarts < CORRUPT_RESTARTS_MAX
      : job.restarts - job.corrupt_restarts < RESTARTS_MAX;
    if (!mayRestart) return false;
    discardFiles(sql, job, Date.now());
    discardCopies(context, job, { reason: "restart", nowMs: Date.now() });
    deletePlanned(sql, jobId);
    const warning = `restarted with a new snapshot: ${reason.message}`;
    voidPlan(sql, jobId, { opening, warning, isCorrupt });
    countStep(sql, jobId);
    return true;
  });
  await scheduleWatchdog(context);
  if (again) await removeDiscardsNow(context, jobId);
  return { again };
}
