import { ExportError } from "../../api/errors.ts";
import type { RestoreView } from "../../api/restore-view.ts";
import type { RestoreCommit, RunningRestore } from "../../rpc/restore-jobs.ts";
import type { RunId, RunStart } from "../../rpc/run-payload.ts";
import type { JobsContext } from "../jobs-context.ts";
import { boundWarnings } from "../tables/bound-warnings.ts";
import {
  recordRestoreState,
  recordRestoreStep,
  recordTargetOpen,
  parseRestoreState,
} from "../tables/job-restore-columns.ts";
import {
  findJob,
  getJob,
  getJobOfKind,
  getJobOfRun,
  moveJobIf,
  parseWarnings,
} from "../tables/job-rows.ts";
import { countStep } from "../tables/job-run-columns.ts";
import { toRestoreView } from "../views/restore-view.ts";
import { toRunningRestore } from "../views/running-restore.ts";
import { handOverIf } from "./hand-over.ts";
import { startNextJobs } from "./start-next-jobs.ts";

/** Moves a restore's run to `running` and returns the restore. Errors: `run-superseded`. */
export function beginRestoreRun({ sql, storage }: JobsContext, run: RunStart): RunningRestore {
  return storage.transactionSync(() => {
    const nowMs = Date.now();
    handOverIf(sql, run, nowMs);
    getJobOfRun(sql, run);
    moveJobIf(sql, { jobId: run.jobId, to: "running", nowMs });
    return toRunningRestore(getJobOfRun(sql, run));
  });
}

/**
 * Commits a restore's new state, and counts a step. Errors: `run-superseded`; `try-overtaken` if another attempt
 * has committed since `expectedCheckpoint`.
 */
export function commitRestore(
  { sql, storage }: JobsContext,
  commit: RestoreCommit,
): RunningRestore {
  const { jobId, usage } = commit;
  return storage.transactionSync(() => {
    const job = getJobOfRun(sql, commit);
    if (job.checkpoint !== commit.expectedCheckpoint) {
      throw new ExportError(
        "try-overtaken",
        `restore ${jobId} is at checkpoint ${job.checkpoint}, not ${commit.expectedCheckpoint}`,
      );
    }
    recordRestoreState(sql, jobId, commit.state);
    if (commit.isTargetOpen !== undefined) recordTargetOpen(sql, jobId, commit.isTargetOpen);
    recordRestoreStep(sql, jobId, {
      warnings: boundWarnings([...new Set([...parseWarnings(job), ...(commit.warnings ?? [])])]),
      rowsRead: usage?.rowsRead ?? 0,
      rowsWritten: usage?.rowsWritten ?? 0,
    });
    countStep(sql, jobId, usage?.r2ClassAOperations ?? 0);
    return toRunningRestore(getJob(sql, jobId));
  });
}

/**
 * Completes a restore, starts the next job in the queue, and returns the restore's view. Errors:
 * `run-superseded`, unless this run has already completed it.
 */
export async function completeRestore(context: JobsContext, run: RunId): Promise<RestoreView> {
  const { sql, storage } = context;
  const { jobId } = run;
  const job = getJobOfKind(sql, jobId, "restore");
  if (job.state !== "completed" || job.run !== run.run) {
    getJobOfRun(sql, run);
    storage.transactionSync(() => {
      recordRestoreState(sql, jobId, { ...parseRestoreState(job), phase: "done" });
      recordTargetOpen(sql, jobId, false);
      moveJobIf(sql, { jobId, to: "completed", nowMs: Date.now() });
      countStep(sql, jobId);
    });
  }
  await startNextJobs(context);
  return toRestoreView(sql, getJob(sql, jobId));
}

/** Returns an ended restore that may have left something in its target; null if there is none. */
export function findRestoreToClose(sql: SqlStorage, jobId: string): RunningRestore | null {
  const job = findJob(sql, jobId);
  if (job === undefined || job.kind !== "restore" || job.snapshot_open === 0) return null;
  return toRunningRestore(job);
}
