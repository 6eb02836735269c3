import { ExportError } from "../../api/errors.ts";
import type {
  BatchAttempt,
  BatchCommit,
  BegunBatch,
  MemberListRecord,
  RunningFleet,
} from "../../rpc/fleet-jobs.ts";
import { toMemberListKey } from "../../rpc/object-key.ts";
import type { RunId, RunStart } from "../../rpc/run-payload.ts";
import type { JobsContext } from "../jobs-context.ts";
import { requireSpaceForFiles } from "../require-space.ts";
import { insertWaitingExport } from "../tables/fleet-export-rows.ts";
import { insertFailure } from "../tables/fleet-failure-rows.ts";
import {
  deletePackAttempt,
  insertPackAttempt,
  listPackAttempts,
  type PackRow,
  recordPackUploadIf,
  recordStoredPack,
} from "../tables/fleet-pack-rows.ts";
import {
  listRestoredKeys,
  parseFleetState,
  recordFleetState,
} from "../tables/job-fleet-columns.ts";
import { listOpenRestores } from "../tables/job-restore-columns.ts";
import { getJobOfRun, type JobRow, moveJobIf } from "../tables/job-rows.ts";
import { countStep, recordPartBytesIf } from "../tables/job-run-columns.ts";
import { readSettings } from "../../config/settings.ts";
import { getFolder } from "../views/job-folder.ts";
import { toRunningFleet } from "../views/running-fleet.ts";
import { discardLists, discardPack } from "./discard-fleet.ts";
import { handOverIf } from "./hand-over.ts";

/** How much the clocks of two isolates may differ, in milliseconds. */
const CLOCKS_MS = 60_000;

/** Moves a fleet's run to `running` and returns the fleet. Errors: `run-superseded`. */
export function beginFleetRun({ sql, storage, env }: JobsContext, run: RunStart): RunningFleet {
  return storage.transactionSync(() => {
    const nowMs = Date.now();
    handOverIf(sql, run, nowMs);
    getJobOfRun(sql, run);
    recordPartBytesIf(sql, run.jobId, readSettings(env).partBytes);
    moveJobIf(sql, { jobId: run.jobId, to: "running", nowMs });
    return toRunningFleet(env, getJobOfRun(sql, run));
  });
}

/** Records an attempt to store the list of members. Errors: `run-superseded`. */
export function beginList({ sql, storage }: JobsContext, run: RunId, attempt: string): null {
  return storage.transactionSync(() => {
    const job = getJobOfRun(sql, run);
    const { listAttempts } = parseFleetState(job);
    recordFleetState(sql, job, { listAttempts: [...listAttempts, attempt] });
    return null;
  });
}

/** Records the list, unless one is recorded. The lists of other attempts are discarded. Errors: `run-superseded`. */
export function commitList(
  { sql, storage, env }: JobsContext,
  run: RunId,
  {
    warnings,
    r2ClassAOperations,
    ...list
  }: MemberListRecord & {
    warnings: string[];
    r2ClassAOperations: number;
  },
): RunningFleet {
  return storage.transactionSync(() => {
    const job = getJobOfRun(sql, run);
    const { list: known, listAttempts } = parseFleetState(job);
    const { key } = known ?? list;
    const folder = getFolder(job);
    const others = listAttempts.filter((attempt) => toMemberListKey({ folder, attempt }) !== key);
    discardLists(sql, job, others, Date.now());
    recordFleetState(
      sql,
      job,
      { list: known ?? list, listAttempts: listAttempts.filter((each) => !others.includes(each)) },
      { warnings },
    );
    countStep(sql, run.jobId, r2ClassAOperations);
    return toRunningFleet(env, getJobOfRun(sql, run));
  });
}

/**
 * Records an attempt of the next batch, and discards what earlier attempts may have stored. Returns which databases
 * are being restored. Errors: `run-superseded`, `try-overtaken`.
 */
export function beginBatch(
  { sql, storage }: JobsContext,
  run: RunId,
  batch: BatchAttempt,
): BegunBatch {
  return storage.transactionSync(() => {
    const job = getJobOfRun(sql, run);
    requireNext(job, batch);
    discardOtherAttempts(sql, job, batch);
    insertPackAttempt(sql, run.jobId, batch);
    const sinceMs = Date.now() - CLOCKS_MS;
    const open = listOpenRestores(sql).map((restore) => restore.database_key);
    return { restoring: [...open, ...listRestoredKeys(sql, sinceMs)], sinceMs };
  });
}

/** Records the upload of an attempt's pack. Errors: `run-superseded`, `try-overtaken`. */
export function recordPackUpload(
  { sql, storage }: JobsContext,
  run: RunId,
  batch: BatchAttempt & { uploadId: string },
): null {
  return storage.transactionSync(() => {
    const job = getJobOfRun(sql, run);
    requireNext(job, batch);
    if (!recordPackUploadIf(sql, run.jobId, batch)) throw overtaken(job, batch);
    return null;
  });
}

/** Commits what a batch did, or nothing. Errors: `run-superseded`, `try-overtaken`, `inline-storage-full`. */
export function commitBatch(context: JobsContext, run: RunId, batch: BatchCommit): RunningFleet {
  const { sql, storage, env } = context;
  const { jobId } = run;
  return storage.transactionSync(() => {
    const job = getJobOfRun(sql, run);
    requireNext(job, batch);
    const begun = findAttempt(sql, job, batch);
    if (begun === undefined) throw overtaken(job, batch);
    const { pack, failures, large } = batch;
    if (pack === null) {
      discardPack(sql, job, begun, Date.now());
      deletePackAttempt(sql, jobId, batch);
    } else {
      recordStoredPack(sql, jobId, batch, pack);
    }
    for (const failure of failures) insertFailure(sql, jobId, failure);
    for (const member of large) insertWaitingExport(sql, jobId, member);
    const state = parseFleetState(job);
    recordFleetState(
      sql,
      job,
      {
        batches: batch.number,
        next: batch.next,
        packed: state.packed + (pack?.members ?? 0),
        empty: state.empty + batch.empty,
        failed: state.failed + failures.length,
        rows: state.rows + (pack?.rows ?? 0),
        bytes: state.bytes + (pack?.bytes ?? 0),
      },
      batch,
    );
    countStep(sql, jobId, pack?.r2ClassAOperations);
    // The pack may be stored in the jobs database.
    requireSpaceForFiles(context, 0);
    return toRunningFleet(env, getJobOfRun(sql, run));
  });
}

function requireNext(job: JobRow, batch: BatchAttempt): void {
  if (parseFleetState(job).batches + 1 !== batch.number) throw overtaken(job, batch);
}

function findAttempt(sql: SqlStorage, job: JobRow, batch: BatchAttempt): PackRow | undefined {
  const attempts = listPackAttempts(sql, job.job_id, batch.number);
  return attempts.find(({ attempt }) => attempt === batch.attempt);
}

function discardOtherAttempts(sql: SqlStorage, job: JobRow, batch: BatchAttempt): void {
  for (const other of listPackAttempts(sql, job.job_id, batch.number)) {
    if (other.attempt === batch.attempt) continue;
    discardPack(sql, job, other, Date.now());
    deletePackAttempt(sql, job.job_id, other);
  }
}

function overtaken(job: JobRow, { number }: BatchAttempt): ExportError {
  return new ExportError(
    "try-overtaken",
    `another attempt works on batch ${number} of fleet ${job.job_id}, or has committed it`,
  );
}
