import { hintOf } from "../../api/error-hint.ts";
import type { Failure } from "../../api/errors.ts";
import type { JobRequest } from "../../api/export-request.ts";
import { FORMATS } from "../../api/formats.ts";
import type { JobView } from "../../api/job-view.ts";
import { VIEW_ENTRIES_MAX } from "../../api/limits.ts";
import { listMaskedColumns } from "../../api/masks.ts";
import { VERIFY_DEFAULT } from "../../api/proof.ts";
import type { RequestedRetention } from "../../api/retention-policy.ts";
import { findNamedObject } from "../../api/source-config.ts";
import type { ChangedView } from "../../rpc/http-jobs.ts";
import { findSnapshotMethod } from "../../rpc/snapshot-record.ts";
import { listArtifacts } from "../tables/artifact-rows.ts";
import {
  getJobOfKind,
  toInstanceId,
  type JobRow,
  parseFailure,
  parseRequest,
  parseRescues,
  parseSnapshot,
  getStateAt,
} from "../tables/job-rows.ts";
import { findQueuePosition } from "../tables/job-queue-columns.ts";
import { parseKeptBy } from "../tables/job-series-columns.ts";
import { listTables } from "../tables/table-rows.ts";
import { listCopyViews } from "./copies.ts";
import { toProofView } from "./proof-view.ts";
import { getJobProgress } from "./job-progress.ts";
import { isWaiting, listWarnings } from "./job-warnings.ts";

/**
 * Differs whenever a job's view differs. It depends only on the job's row and its position in the
 * queue, so that it is cheap to compute.
 */
export function makeViewVersion(sql: SqlStorage, job: JobRow): string {
  const { run, checkpoint, usage_steps, heartbeat_at_ms } = job;
  const state = getStateAt(job, Date.now());
  const callback = `${job.callback_status}-${job.callback_attempts}`;
  const waiting = isWaiting(job) ? job.waiting_as : (findQueuePosition(sql, job) ?? "");
  return `${run}-${checkpoint}-${usage_steps}-${heartbeat_at_ms}-${state}-${callback}-${waiting}-${job.copyings}`;
}

/** Returns a job's view. Errors: `job-not-found`. */
export function getJobView(sql: SqlStorage, jobId: string): JobView {
  return toJobView(sql, getJobOfKind(sql, jobId, "export"));
}

/** Returns a job's view if it differs from that of `version`. Errors: `job-not-found`. */
export function findChangedView(sql: SqlStorage, jobId: string, version: string): ChangedView {
  const job = getJobOfKind(sql, jobId, "export");
  const current = makeViewVersion(sql, job);
  const view = current === version ? null : toJobView(sql, job);
  return { version: current, status: getStateAt(job, Date.now()), view };
}

/** Returns a job as its users see it. */
export function toJobView(sql: SqlStorage, job: JobRow): JobView {
  const request = parseRequest(job);
  const base = `${job.origin}/export/dump/${job.job_id}`;
  const tables = listTables(sql, job.job_id, VIEW_ENTRIES_MAX);
  const status = getStateAt(job, Date.now());
  return {
    jobId: job.job_id,
    status,
    queuePosition: findQueuePosition(sql, job),
    source: job.source,
    object: findNamedObject(request),
    format: request.format,
    compression: request.compression,
    consistency: request.consistency,
    requestedConsistency: request.consistency,
    snapshotMethod: findSnapshotMethod(parseSnapshot(job)),
    createdAt: toIsoTime(job.created_at_ms),
    startedAt: timeOrNull(job.started_at_ms),
    completedAt: timeOrNull(job.completed_at_ms),
    expiresAt: timeOrNull(job.expires_at_ms),
    snapshotAt: timeOrNull(job.snapshot_at_ms),
    retention: toRetentionView(request, job),
    progress: getJobProgress(sql, job),
    masked: listMaskedColumns(request.mask),
    tables,
    artifacts:
      // Public only after their job is completed: until then a file may still be replaced.
      status === "completed"
        ? artifactViews(sql, job, { base, tables: listTablesByArtifact(request, tables) })
        : [],
    copies: listCopyViews(sql, job),
    verify: request.verify ?? VERIFY_DEFAULT,
    proof: toProofView(job),
    ...runView(job),
    warnings: listWarnings(sql, job),
    error: failureView(parseFailure(job), job.origin),
    links: {
      self: base,
      download: `${base}/download`,
      manifest: `${base}/manifest`,
      events: `${base}/events`,
    },
  };
}

/**
 * Returns which table's rows each artifact contains, by its ordinal. A format with one file per
 * table writes them in the tables' order.
 */
export function listTablesByArtifact(
  { format }: Pick<JobRequest, "format">,
  tables: readonly { name: string }[],
): (string | null)[] {
  return FORMATS[format].hasFilePerTable ? tables.map(({ name }) => name) : [null];
}

/** Returns the series of a job and what keeps it; null if it is in none. */
export function toRetentionView(
  { series, retention: policy }: RequestedRetention,
  job: JobRow,
): JobView["retention"] {
  if (series === undefined || policy === undefined) return null;
  return { series, policy, keptBy: parseKeptBy(job) };
}

function artifactViews(
  sql: SqlStorage,
  job: JobRow,
  { base, tables }: { base: string; tables: readonly (string | null)[] },
): JobView["artifacts"] {
  return listArtifacts(sql, job.job_id, { limit: VIEW_ENTRIES_MAX }).map((artifact) => ({
    name: artifact.name,
    table: tables[artifact.ordinal] ?? null,
    contentType: artifact.contentType,
    bytes: artifact.bytes,
    sha256: artifact.sha256,
    sealed: artifact.plain !== null,
    parts: Math.max(artifact.partCount, 1),
    downloadUrl: `${base}/download/${encodeURIComponent(artifact.name)}`,
  }));
}

/** Returns what the views of all kinds of jobs share: the run, the callback, and the cost. */
export function runView(job: JobRow): Pick<JobView, "workflow" | "callback" | "usage"> {
  return {
    workflow: {
      instanceId: toInstanceId(job),
      run: job.run,
      rescues: parseRescues(job).map(({ run, atMs, reason }) => ({
        run,
        at: toIsoTime(atMs),
        reason,
      })),
    },
    callback: callbackView(job),
    usage: {
      rowsRead: job.usage_rows_read,
      rowsWritten: job.usage_rows_written,
      steps: job.usage_steps,
      r2ClassAOperations: job.usage_r2_class_a,
    },
  };
}

/** Returns how far a job's callback has got. */
function callbackView(job: JobRow): JobView["callback"] {
  const target = job.callback_url === null ? null : URL.parse(job.callback_url);
  return {
    url: target === null ? null : `${target.origin}/…`,
    status: job.callback_status,
    attempts: job.callback_attempts,
    lastError: job.callback_last_error,
    nextAttemptAt: timeOrNull(job.callback_next_attempt_at_ms),
  };
}

/** Returns why a job failed, with a hint; null if it did not. */
export function failureView(failure: Failure | null, origin: string): JobView["error"] {
  if (failure === null) return null;
  const { code, message } = failure;
  return { code, message, hint: hintOf(code, origin) };
}

/** Returns a time as ISO 8601 in UTC. */
export function toIsoTime(ms: number): string {
  return new Date(ms).toISOString();
}

/** The same for a time that may be unknown. */
export function timeOrNull(ms: number | null): string | null {
  return ms === null ? null : toIsoTime(ms);
}
