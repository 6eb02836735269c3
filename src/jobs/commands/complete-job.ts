import type { JobView } from "../../api/job-view.ts";
import type { RunId } from "../../rpc/run-payload.ts";
import { deleteUnfinished } from "../../storage/inline/inline-objects.ts";
import { discardScratch } from "./commit-proof.ts";
import { removeDiscardsNow } from "./remove-discards.ts";
import type { JobsContext } from "../jobs-context.ts";
import { dropCarry, dropTurn } from "../tables/blob-rows.ts";
import { getJob, getJobOfRun, moveJobIf, parseRequest, recordExpiry } from "../tables/job-rows.ts";
import { countStep } from "../tables/job-run-columns.ts";
import { toJobView } from "../views/job-view.ts";
import { countManifestOperations, scheduleCopying } from "./commit-copy.ts";
import { applyRetention } from "./apply-retention.ts";
import { scheduleWatchdog } from "./schedule-watchdog.ts";
import { startNextJobs } from "./start-next-jobs.ts";

const HOUR_MS = 3_600_000;

/**
 * Completes a job, starts the next one in the queue, and returns the job's view. Errors:
 * `run-superseded`, unless the run has already completed it.
 */
export async function completeJob(context: JobsContext, run: RunId): Promise<JobView> {
  const { sql, storage, env } = context;
  const { jobId } = run;
  const job = getJob(sql, jobId);
  if (job.state !== "completed" || job.run !== run.run) {
    getJobOfRun(sql, run);
    const nowMs = Date.now();
    const { retentionHours } = parseRequest(job);
    const isInSeries = job.series_key !== null;
    storage.transactionSync(() => {
      discardScratch(sql, job, nowMs);
      if (!isInSeries) recordExpiry(sql, jobId, nowMs + retentionHours * HOUR_MS);
      moveJobIf(sql, { jobId, to: "completed", nowMs });
      applyRetention(sql, job, nowMs);
      dropCarry(sql, jobId);
      dropTurn(sql, jobId);
      deleteUnfinished(sql, jobId);
      scheduleCopying(sql, jobId, nowMs);
      // For jobs with copies, `commitManifest` counts what the manifest costs.
      const operations = job.manifest_stored === 1 ? 0 : countManifestOperations(env, job);
      countStep(sql, jobId, operations);
    });
    if (isInSeries) await scheduleWatchdog(context);
  }
  await startNextJobs(context);
  if (job.proof_json !== null) await removeDiscardsNow(context, jobId);
  return toJobView(sql, getJob(sql, jobId));
}
