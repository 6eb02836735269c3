import type { JobView } from "../../api/job-view.ts";
import type { RunId } from "../../rpc/run-payload.ts";
import { deleteUnfinished } from "../../storage/inline/inline-objects.ts";
import { openArtifactStore } from "../../storage/open-artifact-store.ts";
import type { JobsContext } from "../jobs-context.ts";
import { dropCarry, dropTurn } from "../tables/blob-rows.ts";
import { getJob, getJobOfRun, moveJobIf, parseRequest, recordExpiry } from "../tables/job-rows.ts";
import { countStep } from "../tables/job-run-columns.ts";
import { toJobView } from "../views/job-view.ts";
import { scheduleCopying } from "./commit-copy.ts";

const HOUR_MS = 3_600_000;

/**
 * Completes a job and returns its view. Errors: `run-superseded`, unless the run has already
 * completed it.
 */
export function completeJob({ sql, storage, env }: JobsContext, run: RunId): JobView {
  const { jobId } = run;
  const job = getJob(sql, jobId);
  if (job.state !== "completed" || job.run !== run.run) {
    getJobOfRun(sql, run);
    const nowMs = Date.now();
    const { retentionHours } = parseRequest(job);
    storage.transactionSync(() => {
      moveJobIf(sql, { jobId, to: "completed", nowMs });
      recordExpiry(sql, jobId, nowMs + retentionHours * HOUR_MS);
      dropCarry(sql, jobId);
      dropTurn(sql, jobId);
      deleteUnfinished(sql, jobId);
      scheduleCopying(sql, jobId, nowMs);
      // The manifest was stored with one `put`, which `commitManifest` counts for jobs with copies.
      const writes = job.manifest_stored === 1 ? 0 : openArtifactStore(env).billedOperations.write;
      countStep(sql, jobId, writes);
    });
  }
  return toJobView(sql, getJob(sql, jobId));
}
