import { isActive } from "../../api/job-state.ts";
import type { RestoreView } from "../../api/restore-view.ts";
import { findNamedObject } from "../../api/source-config.ts";
import type { ChangedRestoreView, RestoreState } from "../../rpc/restore-jobs.ts";
import type { JobPageQuery } from "../../rpc/http-jobs.ts";
import { listJobs } from "../tables/job-list.ts";
import { findQueuePosition } from "../tables/job-queue-columns.ts";
import { parseRestoreRequest, parseRestoreState } from "../tables/job-restore-columns.ts";
import {
  findJob,
  getJobOfKind,
  getStateAt,
  type JobRow,
  parseFailure,
  parseRescues,
  parseWarnings,
} from "../tables/job-rows.ts";
import { failureView, makeViewVersion, runView, timeOrNull, toIsoTime } from "./job-view.ts";
import { cutPercent } from "./percent.ts";

/** Returns a restore's view. Errors: `job-not-found`. */
export function getRestoreView(sql: SqlStorage, jobId: string): RestoreView {
  return toRestoreView(sql, getJobOfKind(sql, jobId, "restore"));
}

/** Returns a restore's view if it differs from that of `version`. Errors: `job-not-found`. */
export function findChangedRestoreView(
  sql: SqlStorage,
  jobId: string,
  version: string,
): ChangedRestoreView {
  const job = getJobOfKind(sql, jobId, "restore");
  const current = makeViewVersion(sql, job);
  const view = current === version ? null : toRestoreView(sql, job);
  return { version: current, status: job.state, view };
}

/** Returns one page of restores, newest first, and where the next starts; null after the last. */
export function getRestorePage(
  sql: SqlStorage,
  query: JobPageQuery,
): { jobs: RestoreView[]; next: { createdAtMs: number; jobId: string } | null } {
  const nowMs = Date.now();
  const rows = listJobs(sql, { ...query, kind: "restore", limit: query.limit + 1, nowMs });
  const shown = rows.slice(0, query.limit);
  const last = shown.at(-1);
  const next =
    rows.length > shown.length && last !== undefined
      ? { createdAtMs: last.created_at_ms, jobId: last.job_id }
      : null;
  return { jobs: shown.map((job) => toRestoreView(sql, job)), next };
}

/** Returns a restore as its users see it. */
export function toRestoreView(sql: SqlStorage, job: JobRow): RestoreView {
  const request = parseRestoreRequest(job);
  const state = parseRestoreState(job);
  const base = `${job.origin}/import/dump/${job.job_id}`;
  const { verification } = state;
  return {
    kind: "restore",
    jobId: job.job_id,
    status: job.state,
    queuePosition: findQueuePosition(sql, job),
    target: job.source,
    object: findNamedObject(request),
    mode: request.mode,
    from: request.from,
    createdAt: toIsoTime(job.created_at_ms),
    startedAt: timeOrNull(job.started_at_ms),
    completedAt: timeOrNull(job.completed_at_ms),
    progress: progressView(job, state),
    safetyExport: safetyView(sql, state),
    verification: {
      method: verification.method,
      state: verification.state,
      pieces: verification.pieces,
      piecesTotal: verification.piecesTotal,
      rows: verification.rows,
    },
    ...runView(job),
    warnings: [...rescueWarnings(job), ...parseWarnings(job), ...leftWarnings(job)],
    error: errorView(job),
    links: { self: base, events: `${base}/events` },
  };
}

/** Loading is most of the work, because it writes. Scanning and comparing only read. */
const WEIGHTS = { scan: 10, load: 70, verify: 20 };

function progressView(job: JobRow, state: RestoreState): RestoreView["progress"] {
  const { script, position, phase, verification } = state;
  const loaded = script === null ? 0 : position.textBytes / Math.max(script.textBytes, 1);
  const isLoaded = phase === "verify" || phase === "done";
  const compared =
    verification.piecesTotal === null
      ? 0
      : verification.pieces / Math.max(verification.piecesTotal, 1);
  const percent =
    job.state === "completed"
      ? 100
      : script === null
        ? 0
        : cutPercent(
            WEIGHTS.scan +
              WEIGHTS.load * (isLoaded ? 1 : Math.min(loaded, 1)) +
              WEIGHTS.verify * (isLoaded ? compared : 0),
          );
  const ms = isActive(job.state) && phase === "load" ? Date.now() - state.loadingSinceMs : 0;
  const bytesPerSecond = ms >= 1_000 ? Math.round((position.textBytes * 1_000) / ms) : null;
  const bytesLeft = script === null ? null : script.textBytes - position.textBytes;
  return {
    phase,
    percent,
    textBytes: isLoaded ? (script?.textBytes ?? 0) : position.textBytes,
    textBytesTotal: script?.textBytes ?? null,
    statements: isLoaded ? (script?.statements ?? 0) : position.statements,
    statementsTotal: script?.statements ?? null,
    rows: position.rows,
    bytesPerSecond,
    etaSeconds:
      bytesPerSecond === null || bytesLeft === null || bytesPerSecond === 0
        ? null
        : Math.ceil(bytesLeft / bytesPerSecond),
  };
}

function safetyView(sql: SqlStorage, { safetyJobId }: RestoreState): RestoreView["safetyExport"] {
  if (safetyJobId === null) return null;
  const job = findJob(sql, safetyJobId);
  if (job === undefined) return { jobId: safetyJobId, status: "deleted", expiresAt: null };
  return {
    jobId: safetyJobId,
    status: getStateAt(job, Date.now()),
    expiresAt: timeOrNull(job.expires_at_ms),
  };
}

function errorView(job: JobRow): RestoreView["error"] {
  const failure = parseFailure(job);
  const view = failureView(failure, job.origin);
  if (failure === null || view === null) return null;
  const place = failure.details;
  return place === undefined ? view : { ...view, place };
}

function rescueWarnings(job: JobRow): string[] {
  return parseRescues(job).map(
    ({ run, reason }) => `run ${run} was replaced by run ${run + 1}, which resumed: ${reason}`,
  );
}

function leftWarnings({ state, snapshot_open }: JobRow): string[] {
  if (isActive(state) || snapshot_open === 0) return [];
  return [
    "target-not-cleaned: parts of the restore may still be in the target; the cleanup is retried",
  ];
}
