import type { JobView } from "../../api/job-view.ts";
import type { RunId } from "../../rpc/run-payload.ts";
import { deleteUnfinished } from "../../storage/inline/inline-objects.ts";
import { openArtifactStore } from "../../storage/open-artifact-store.ts";
import { discardScratch } from "./commit-proof.ts";
import { removeDiscardsNow } from "./remove-discards.ts";
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
export async function completeJob(context: JobsContext, run: RunId): Promise<JobView> {
  const { sql, storage, env } = context;
  const { jobId } = run;
  const job = getJob(sql, jobId);
  if (job.state !== "completed" || job.run !== run.run) {
    getJobOfRun(sql, run);
    const nowMs = Date.now();
    const { retentionHours } = parseRequest(job);
    storage.transactionSync(() => {
      moveJobIf(sql, { jobId, to: "completed", nowMs });
      discardScratch(sql, job, nowMs);
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
  if (job.proof_json !== null) await removeDiscardsNow(context, jobId);
  return toJobView(sql, getJob(sql, jobId));
}
