import type { CopiedPart } from "../../rpc/copy-jobs.ts";
import { type Outcome, outcomeOf } from "../../rpc/outcome.ts";
import type { RunId } from "../../rpc/run-payload.ts";
import type { BegunSealing, SealedFile, SealJobs, SealWork } from "../../rpc/seal-jobs.ts";
import { beginSealing, commitSealed, recordSealedParts } from "../commands/commit-sealed.ts";
import { findSealWork } from "../tables/artifact-sealing-columns.ts";
import { getJobOfRun } from "../tables/job-rows.ts";
import { JobsCopies } from "./jobs-copies.ts";

/** The part of the jobs object that records artifacts that are sealed in the deployment's own store. */
export abstract class JobsSeals extends JobsCopies implements SealJobs {
  sealWork(run: RunId): Promise<Outcome<SealWork | null>> {
    const { sql } = this.jobs;
    return outcomeOf(() => findSealWork(sql, getJobOfRun(sql, run).job_id) ?? null);
  }

  beginSealing(run: RunId, begun: BegunSealing): Promise<Outcome<{ kept: boolean }>> {
    return outcomeOf(() => beginSealing(this.jobs, run, begun));
  }

  recordSealedParts(
    run: RunId,
    sent: { ordinal: number; key: string; parts: CopiedPart[] },
  ): Promise<Outcome<null>> {
    return outcomeOf(() => recordSealedParts(this.jobs, run, sent));
  }

  commitSealed(run: RunId, sealed: SealedFile): Promise<Outcome<null>> {
    return outcomeOf(() => commitSealed(this.jobs, run, sealed));
  }
}
