import { ExportError } from "../../api/errors.ts";
import type { ManifestCopy } from "../../api/copies.ts";
import type { JobView } from "../../api/job-view.ts";
import type { NewJob } from "../../rpc/http-jobs.ts";
import { withWholeId } from "../../rpc/readable-key.ts";
import type { JobsContext } from "../jobs-context.ts";
import { requireSpaceForFiles } from "../require-space.ts";
import { insertCopies } from "../tables/copy-rows.ts";
import { enqueueJob } from "../tables/job-queue-columns.ts";
import { isProofDue } from "../tables/job-proof-columns.ts";
import { recordSeries } from "../tables/job-series-columns.ts";
import {
  findJobByKey,
  freeKey,
  getJob,
  insertJob,
  type JobRow,
  parseFailure,
} from "../tables/job-rows.ts";
import { toJobView } from "../views/job-view.ts";
import { isIdTaken } from "./choose-folder.ts";
import { requireUnlocked } from "./require-unlocked.ts";
import { scheduleWatchdog } from "./schedule-watchdog.ts";
import { canStartJob, startNewJob } from "./start-next-jobs.ts";

/**
 * Records a job and starts its first run: first the row, then the instance. If too many jobs run, it
 * waits in the queue. If Workflows cannot be reached, the watchdog starts it. A known Idempotency-Key returns the
 * existing job, unless no run of that job could be started. Errors: `export-already-running`,
 * `idempotency-key-reused`, `inline-storage-full`.
 */
export async function createJob(
  context: JobsContext,
  job: NewJob,
): Promise<{ view: JobView; replayed: boolean }> {
  const { sql, storage } = context;
  const known = storage.transactionSync(() => insertOrFind(context, job));
  if (known !== undefined) return { view: toJobView(sql, known), replayed: true };
  await scheduleWatchdog(context);
  await startNewJob(context, job.jobId);
  return { view: toJobView(sql, getJob(sql, job.jobId)), replayed: false };
}

/** Inserts a job, or returns the job that its key has already created. */
function insertOrFind(context: JobsContext, job: NewJob): JobRow | undefined {
  const { sql } = context;
  const known = findStartedJob(sql, job.idempotencyKey);
  if (known !== undefined) {
    if (known.request_digest === job.requestDigest) return known;
    throw new ExportError(
      "idempotency-key-reused",
      "this Idempotency-Key was sent with another body",
      { details: { jobId: known.job_id } },
    );
  }
  const { databaseKey, request, nowMs } = job;
  requireUnlocked(sql, { databaseKey, source: request.source, nowMs });
  // Without any space, the job would fail at its first commit.
  requireSpaceForFiles(context, 1);
  const starts = job.startsAtOnce === true || canStartJob(context);
  insertJob(sql, { ...job, request: decideVerify(sql, job) });
  insertCopies(sql, job.jobId, placeCopies(sql, job));
  const { series: name } = request;
  if (name !== undefined) recordSeries(sql, job.jobId, { databaseKey, name });
  if (!starts) enqueueJob(sql, job.jobId);
  return undefined;
}

/** Returns the copies to make, each in a folder that no other job has. */
function placeCopies(sql: SqlStorage, { jobId, copies = [] }: NewJob): readonly ManifestCopy[] {
  if (copies.length === 0 || !isIdTaken(sql, jobId)) return copies;
  return copies.map((copy) => ({ ...copy, folder: withWholeId(copy.folder, jobId) }));
}

/**
 * Returns a job's request as it runs: a schedule may prove only some of its jobs. Decided with the insertion, and not
 * part of the digest, so that a tick that is delivered again finds its job.
 */
function decideVerify(sql: SqlStorage, { request, proveEvery }: NewJob): NewJob["request"] {
  if (proveEvery === undefined || isProofDue(sql, proveEvery)) return request;
  return { ...request, verify: "checksum" };
}

/**
 * Returns the job of a key. A job that no run has worked on frees its key, so that a repeated
 * request starts another.
 */
function findStartedJob(sql: SqlStorage, idempotencyKey: string | null): JobRow | undefined {
  const job = idempotencyKey === null ? undefined : findJobByKey(sql, idempotencyKey);
  if (job === undefined || parseFailure(job)?.code !== "workflow-not-started") return job;
  freeKey(sql, job.job_id);
  return undefined;
}
