import type { ErrorCode } from "../../api/error-codes.ts";
import { ExportError } from "../../api/errors.ts";
import { isActive } from "../../api/job-state.ts";
import type { FailedMember, FleetExports, FleetState } from "../../rpc/fleet-jobs.ts";
import type { NewJob } from "../../rpc/http-jobs.ts";
import type { RunId } from "../../rpc/run-payload.ts";
import type { JobsContext } from "../jobs-context.ts";
import { WARNINGS_MAX } from "../tables/bound-warnings.ts";
import { listCopies } from "../tables/copy-rows.ts";
import { recordReading } from "../tables/job-series-columns.ts";
import {
  deleteMemberExport,
  findMemberExport,
  listExportsInState,
  listMemberExports,
  moveMemberExport,
} from "../tables/fleet-export-rows.ts";
import { insertFailure } from "../tables/fleet-failure-rows.ts";
import { parseFleetState, recordFleetState } from "../tables/job-fleet-columns.ts";
import {
  findJob,
  getJobOfRun,
  type JobRow,
  parseFailure,
  recordExpiry,
} from "../tables/job-rows.ts";
import { countStep } from "../tables/job-run-columns.ts";
import { findNextCopy, hasCopies } from "../views/copies.ts";
import { getJobProgress } from "../views/job-progress.ts";
import { createJob } from "./create-job.ts";
import { requireMembers } from "./require-members.ts";

/**
 * How often the export of a member may find its database locked. With waits of 20 seconds, that is about 20 minutes:
 * another job of the same database usually takes less.
 */
const LOCKED_ATTEMPTS_MAX = 60;

/** The most exports of one fleet that are looked at in one call. */
const EXPORTS_MAX = 1_000;

/**
 * Records which exports have ended, and returns what remains. Errors: `run-superseded`; `fleet-members-failed` if none
 * is left, and too many members have failed.
 */
export function settleExports(
  { sql, storage }: JobsContext,
  run: RunId,
  limit: number,
): FleetExports {
  const { jobId } = run;
  const exports = storage.transactionSync(() => {
    getJobOfRun(sql, run);
    const started = listExportsInState(sql, jobId, { state: "started", limit: EXPORTS_MAX });
    const running = started.filter(({ member, export_id: exportId, attempts }) => {
      const job = exportId === null ? undefined : findJob(sql, exportId);
      if (job !== undefined && isActive(job.state)) return true;
      if (job?.state === "completed") {
        moveMemberExport(sql, jobId, { member, to: "done", exportId, attempts });
        countExported(sql, run, job);
      } else {
        recordFailure(sql, run, describeEnd(member, job));
      }
      return false;
    });
    countStep(sql, jobId);
    const waiting = listExportsInState(sql, jobId, { state: "waiting", limit });
    return { running: running.length, waiting: waiting.map(({ member }) => member) };
  });
  if (exports.running + exports.waiting.length > 0) return { ...exports, copies: null };
  const fleet = getJobOfRun(sql, run);
  // Outside the transaction, so that the last failures stay recorded.
  requireMembers(sql, fleet);
  return {
    ...exports,
    copies: hasCopies(sql, jobId) ? { next: findNextCopy(sql, fleet) } : null,
  };
}

/**
 * Starts the export of a large member, unless it is started or settled. A locked database stays waiting, and fails
 * after many attempts. Errors: `run-superseded`, `inline-storage-full`.
 */
export async function startMemberExport(
  context: JobsContext,
  run: RunId,
  { member, job }: { member: string; job: NewJob },
): Promise<null> {
  const { sql } = context;
  const { jobId } = run;
  getJobOfRun(sql, run);
  const waiting = findMemberExport(sql, jobId, member);
  if (waiting?.state !== "waiting") return null;
  const { attempts } = waiting;
  moveMemberExport(sql, jobId, { member, to: "started", exportId: job.jobId, attempts });
  try {
    // Inserts its row before anybody else gets a turn.
    await createJob(context, job);
  } catch (error) {
    const isLocked =
      error instanceof ExportError &&
      (error.code === "export-already-running" || error.code === "restore-already-running");
    moveMemberExport(sql, jobId, {
      member,
      to: "waiting",
      exportId: null,
      attempts: attempts + 1,
    });
    if (!isLocked) throw error;
    if (attempts + 1 < LOCKED_ATTEMPTS_MAX) return null;
    const { code, message } = error.toFailure();
    failMemberExport(context, run, { member, code, message });
  }
  return null;
}

/** Records that a member's export cannot be started. Errors: `run-superseded`. */
export function failMemberExport(
  { sql, storage }: JobsContext,
  run: RunId,
  failed: FailedMember,
): null {
  return storage.transactionSync(() => {
    getJobOfRun(sql, run);
    if (findMemberExport(sql, run.jobId, failed.member)?.state === "waiting") {
      recordFailure(sql, run, failed);
    }
    return null;
  });
}

/**
 * Ends the exports of a fleet that ends without its files, or that its series no longer keeps: running ones are
 * cancelled, and completed ones expire when the watchdog finds them. Call it inside the transaction in which the fleet
 * ends. The watchdog does the rest for each.
 */
export function endMemberExports(
  sql: SqlStorage,
  jobId: string,
  { nowMs, cancel }: { nowMs: number; cancel: (exportId: string) => unknown },
): void {
  const all = { from: "", limit: Number.MAX_SAFE_INTEGER };
  for (const { export_id: exportId } of listMemberExports(sql, jobId, all)) {
    const job = exportId === null ? undefined : findJob(sql, exportId);
    if (job === undefined) continue;
    if (isActive(job.state)) cancel(job.job_id);
    if (job.state !== "completed") continue;
    recordExpiry(sql, job.job_id, nowMs);
    // Nobody can download what belongs to no fleet.
    recordReading(sql, job.job_id, null);
  }
}

/**
 * Keeps the exports of a completed fleet as long as its packs: until a time, or null as long as its series keeps it.
 * Call it inside the transaction that completes it.
 */
export function keepMemberExports(
  sql: SqlStorage,
  jobId: string,
  expiresAtMs: number | null,
): void {
  const all = { from: "", limit: Number.MAX_SAFE_INTEGER };
  for (const { export_id: exportId } of listMemberExports(sql, jobId, all)) {
    const job = exportId === null ? undefined : findJob(sql, exportId);
    if (job?.state === "completed") recordExpiry(sql, job.job_id, expiresAtMs);
  }
}

function countExported(sql: SqlStorage, run: RunId, exported: JobRow): void {
  const fleet = getJobOfRun(sql, run);
  const state = parseFleetState(fleet);
  const { rows, bytes } = getJobProgress(sql, exported);
  const counts = {
    exported: state.exported + 1,
    rows: state.rows + rows,
    bytes: state.bytes + bytes,
  };
  recordFleetState(sql, fleet, { ...counts, uncopied: addUncopied(sql, state, exported) });
}

/** Only these copies can be missing later: one that is made stays. */
function addUncopied(
  sql: SqlStorage,
  { uncopied }: FleetState,
  { job_id: exportId }: JobRow,
): string[] {
  const isMissing = listCopies(sql, exportId).some(({ state }) => state !== "copied");
  return isMissing ? [...uncopied, exportId].slice(0, WARNINGS_MAX + 1) : uncopied;
}

function recordFailure(sql: SqlStorage, run: RunId, failed: FailedMember): void {
  const fleet = getJobOfRun(sql, run);
  insertFailure(sql, run.jobId, failed);
  deleteMemberExport(sql, run.jobId, failed.member);
  recordFleetState(sql, fleet, { failed: parseFleetState(fleet).failed + 1 });
}

function describeEnd(member: string, job: JobRow | undefined): FailedMember {
  if (job === undefined) {
    return { member, code: "job-not-found", message: "its export job was deleted" };
  }
  const failure = parseFailure(job);
  const code: ErrorCode = failure?.code ?? "export-not-downloadable";
  const why = failure === null ? "" : `: ${failure.message}`;
  return { member, code, message: `its export job ${job.job_id} ended as ${job.state}${why}` };
}
