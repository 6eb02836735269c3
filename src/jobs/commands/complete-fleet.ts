import type { FleetView } from "../../api/fleet-view.ts";
import type { RunId } from "../../rpc/run-payload.ts";
import { deleteUnfinished } from "../../storage/inline/inline-objects.ts";
import type { JobsContext } from "../jobs-context.ts";
import { parseFleetRequest, recordFleetState } from "../tables/job-fleet-columns.ts";
import { getJobOfKind, getJobOfRun, moveJobIf, recordExpiry } from "../tables/job-rows.ts";
import { countStep } from "../tables/job-run-columns.ts";
import { toFleetView } from "../views/fleet-view.ts";
import { applyRetention } from "./apply-retention.ts";
import { countManifestOperations, scheduleCopying } from "./commit-copy.ts";
import { keepMemberExports } from "./member-exports.ts";
import { scheduleWatchdog } from "./schedule-watchdog.ts";
import { startNextJobs } from "./start-next-jobs.ts";

const HOUR_MS = 3_600_000;

/**
 * Completes a fleet, applies the policy of its series, starts the next job in the queue, and returns the fleet's view.
 * Errors: `run-superseded`, unless this run has already completed it.
 */
export async function completeFleet(context: JobsContext, run: RunId): Promise<FleetView> {
  const { sql, storage, env } = context;
  const { jobId } = run;
  const job = getJobOfKind(sql, jobId, "fleet");
  if (job.state !== "completed" || job.run !== run.run) {
    getJobOfRun(sql, run);
    const isInSeries = job.series_key !== null;
    storage.transactionSync(() => {
      const nowMs = Date.now();
      const { retentionHours } = parseFleetRequest(job);
      const expiresAtMs = isInSeries ? null : nowMs + retentionHours * HOUR_MS;
      recordExpiry(sql, jobId, expiresAtMs);
      keepMemberExports(sql, jobId, expiresAtMs);
      recordFleetState(sql, job, {});
      moveJobIf(sql, { jobId, to: "completed", nowMs });
      applyRetention(sql, job, nowMs);
      deleteUnfinished(sql, jobId);
      scheduleCopying(sql, jobId, nowMs);
      // For fleets with copies, `commitManifest` counts what the manifest costs.
      const operations = job.manifest_stored === 1 ? 0 : countManifestOperations(env, job);
      countStep(sql, jobId, operations);
    });
    if (isInSeries) await scheduleWatchdog(context);
  }
  await startNextJobs(context);
  return toFleetView(sql, getJobOfKind(sql, jobId, "fleet"));
}
