import type { Failure } from "../../api/errors.ts";
import type { Copier, CopyCommit, CopyJobs, CopyTask, CopyWork } from "../../rpc/copy-jobs.ts";
import { type Outcome, outcomeOf } from "../../rpc/outcome.ts";
import { commitCopy, commitManifest, failCopy } from "../commands/commit-copy.ts";
import { findCopyWork, findNextCopy, getJobOfCopier } from "../views/copies.ts";
import { JobsProofs } from "./jobs-proofs.ts";

/** The part of the jobs object that records copies at destinations. */
export abstract class JobsCopies extends JobsProofs implements CopyJobs {
  nextCopy(copier: Copier): Promise<Outcome<CopyTask | null>> {
    const { sql } = this.jobs;
    return outcomeOf(() => findNextCopy(sql, getJobOfCopier(sql, copier)));
  }

  copyWork(copier: Copier, task: CopyTask): Promise<Outcome<CopyWork | null>> {
    const { sql } = this.jobs;
    return outcomeOf(() => findCopyWork(sql, getJobOfCopier(sql, copier), task));
  }

  commitCopy(copier: Copier, commit: CopyCommit): Promise<Outcome<CopyTask | null>> {
    return outcomeOf(() => commitCopy(this.jobs, copier, commit));
  }

  failCopy(
    copier: Copier,
    failed: { task: CopyTask; failure: Failure },
  ): Promise<Outcome<{ isFatal: boolean; next: CopyTask | null }>> {
    return outcomeOf(() => failCopy(this.jobs, copier, failed));
  }

  recordManifest(copier: Copier): Promise<Outcome<CopyTask | null>> {
    return outcomeOf(() => commitManifest(this.jobs, copier));
  }
}
