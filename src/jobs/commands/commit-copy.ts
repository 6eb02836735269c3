import type { Failure } from "../../api/errors.ts";
import type { Copier, CopyCommit, CopyTask } from "../../rpc/copy-jobs.ts";
import { openArtifactStore } from "../../storage/open-artifact-store.ts";
import type { JobsContext } from "../jobs-context.ts";
import {
  listCopies,
  recordCopied,
  recordCopyFailure,
  writeCopyStep,
  type CopyRecord,
} from "../tables/copy-rows.ts";
import {
  COPYING_MS_MAX,
  COPYINGS_MAX,
  getCopyingWaitMs,
  recordCopyingDue,
  recordManifestStored,
} from "../tables/job-copying-columns.ts";
import { getJob, type JobRow, parseRequest } from "../tables/job-rows.ts";
import { countStep } from "../tables/job-run-columns.ts";
import { findNextCopy, getJobOfCopier, listCopiedFiles } from "../views/copies.ts";
import { scheduleWatchdog } from "./schedule-watchdog.ts";

/**
 * Commits a step of copying, unless it is already committed, and returns the next one. Errors:
 * `run-superseded`.
 */
export function commitCopy(
  { sql, storage }: JobsContext,
  copier: Copier,
  commit: CopyCommit,
): CopyTask | null {
  return storage.transactionSync(() => {
    const job = getJobOfCopier(sql, copier);
    const { jobId } = copier;
    if (findPendingCopy(sql, jobId, commit.task) !== undefined) {
      writeCopyStep(sql, jobId, commit);
      countStep(sql, jobId, commit.r2ClassAOperations);
      recordIfWhole(sql, job, commit.task.destination);
    }
    return settle(sql, copier);
  });
}

/**
 * Records that a copy failed, unless the step is already committed. `isFatal` is true if the job's
 * run must fail. Errors: `run-superseded`.
 */
export async function failCopy(
  context: JobsContext,
  copier: Copier,
  { task, failure }: { task: CopyTask; failure: Failure },
): Promise<{ isFatal: boolean; next: CopyTask | null }> {
  const { sql, storage } = context;
  const { jobId, copying } = copier;
  const failed = storage.transactionSync(() => {
    const job = getJobOfCopier(sql, copier);
    const isPending = findPendingCopy(sql, jobId, task) !== undefined;
    if (isPending) {
      const to = copying < COPYINGS_MAX ? "retrying" : "failed";
      recordCopyFailure(sql, jobId, { destination: task.destination, failure, to });
      countStep(sql, jobId);
    }
    const isRequired = copying === 0 && parseRequest(job).copyRequired === true;
    return { isFatal: isPending && isRequired, next: settle(sql, copier) };
  });
  await scheduleWatchdog(context);
  return failed;
}

/** Records that the manifest is stored, and returns the next step. Errors: `run-superseded`. */
export function commitManifest(
  { sql, storage, env }: JobsContext,
  copier: Copier,
): CopyTask | null {
  return storage.transactionSync(() => {
    const job = getJobOfCopier(sql, copier);
    if (job.manifest_stored === 0) {
      recordManifestStored(sql, copier.jobId);
      countStep(sql, copier.jobId, countManifestOperations(env, job));
    }
    return settle(sql, copier);
  });
}

/** Returns the Class A operations of a manifest, and of its signature: each is one `put`. */
export function countManifestOperations(env: JobsContext["env"], job: JobRow): number {
  const { write } = openArtifactStore(env).billedOperations;
  return job.is_signed === 1 ? 2 * write : write;
}

/**
 * Records when the watchdog looks after the copies of a completed job: never if none can be tried
 * again. Call it inside a transaction.
 */
export function scheduleCopying(sql: SqlStorage, jobId: string, nowMs: number): void {
  const states = new Set(listCopies(sql, jobId).map(({ state }) => state));
  const waitMs = states.has("pending")
    ? COPYING_MS_MAX
    : states.has("retrying")
      ? getCopyingWaitMs(getJob(sql, jobId).copyings)
      : null;
  recordCopyingDue(sql, jobId, waitMs === null ? null : nowMs + waitMs);
}

function settle(sql: SqlStorage, { jobId, copying }: Copier): CopyTask | null {
  if (copying > 0) scheduleCopying(sql, jobId, Date.now());
  return findNextCopy(sql, getJob(sql, jobId));
}

function findPendingCopy(
  sql: SqlStorage,
  jobId: string,
  { destination, number }: CopyTask,
): CopyRecord | undefined {
  return listCopies(sql, jobId).find(
    (copy) =>
      copy.destination === destination && copy.state === "pending" && copy.steps + 1 === number,
  );
}

/** A copy is whole once it has the manifest, which comes last. */
function recordIfWhole(sql: SqlStorage, job: JobRow, destination: string): void {
  if (job.manifest_stored === 0) return;
  const copy = listCopies(sql, job.job_id).find((each) => each.destination === destination);
  if (copy === undefined || copy.filesDone < listCopiedFiles(sql, job, copy).length) return;
  recordCopied(sql, job.job_id, { destination, nowMs: Date.now() });
}
