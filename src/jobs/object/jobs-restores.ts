import type { RestoreView } from "../../api/restore-view.ts";
import type { JobPageQuery } from "../../rpc/http-jobs.ts";
import { type Outcome, outcomeOf } from "../../rpc/outcome.ts";
import type {
  ChangedRestoreView,
  NewRestore,
  RestoreCommit,
  RestoreJobs,
  RunningRestore,
} from "../../rpc/restore-jobs.ts";
import type { RunId, RunStart } from "../../rpc/run-payload.ts";
import {
  beginRestoreRun,
  commitRestore,
  completeRestore,
  findRestoreToClose,
} from "../commands/commit-restore.ts";
import { createRestore, findRestoreByKey } from "../commands/create-restore.ts";
import { removeRestore } from "../commands/remove-restore.ts";
import { recordTargetOpen } from "../tables/job-restore-columns.ts";
import { findChangedRestoreView, getRestorePage, getRestoreView } from "../views/restore-view.ts";
import { JobsFiles } from "./jobs-files.ts";

/** The part of the jobs object that records restores. */
export abstract class JobsRestores extends JobsFiles implements RestoreJobs {
  createRestore(restore: NewRestore): Promise<Outcome<{ view: RestoreView; replayed: boolean }>> {
    return outcomeOf(() => createRestore(this.jobs, restore));
  }

  findRestoreByKey(key: {
    idempotencyKey: string;
    requestDigest: string;
  }): Promise<Outcome<RestoreView | null>> {
    return outcomeOf(() => findRestoreByKey(this.jobs.sql, key));
  }

  restoreView(jobId: string): Promise<Outcome<RestoreView>> {
    return outcomeOf(() => getRestoreView(this.jobs.sql, jobId));
  }

  restoreViewIfChanged(jobId: string, version: string): Promise<Outcome<ChangedRestoreView>> {
    return outcomeOf(() => findChangedRestoreView(this.jobs.sql, jobId, version));
  }

  listRestores(query: JobPageQuery): ReturnType<RestoreJobs["listRestores"]> {
    return getRestorePage(this.jobs.sql, query);
  }

  removeRestore(
    jobId: string,
    options: { mayDelete: boolean },
  ): Promise<Outcome<RestoreView | null>> {
    return outcomeOf(() => removeRestore(this.jobs, jobId, options));
  }

  beginRestoreRun(run: RunStart): Promise<Outcome<RunningRestore>> {
    return outcomeOf(() => beginRestoreRun(this.jobs, run));
  }

  async restoreToClose(jobId: string): Promise<RunningRestore | null> {
    return findRestoreToClose(this.jobs.sql, jobId);
  }

  async recordRestoreClosed(jobId: string): Promise<void> {
    recordTargetOpen(this.jobs.sql, jobId, false);
  }

  commitRestore(commit: RestoreCommit): Promise<Outcome<RunningRestore>> {
    return outcomeOf(() => commitRestore(this.jobs, commit));
  }

  completeRestore(run: RunId): Promise<Outcome<RestoreView>> {
    return outcomeOf(() => completeRestore(this.jobs, run));
  }
}
