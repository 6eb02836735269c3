import type { JobRequest } from "../../api/export-request.ts";
import {
  FLEET_START,
  type FleetJobRequest,
  type FleetState,
  type NewFleet,
} from "../../rpc/fleet-jobs.ts";
import { addWarnings } from "./bound-warnings.ts";
import { insertJob, type JobRow, parseWarnings } from "./job-rows.ts";

/*
 * The column of `tmp_export_jobs` that only fleets have: `fleet_json`. A fleet's request is in `request_json`, together
 * with the fields of an export's request, so that a version without fleets can still list the job. `snapshot_id` is
 * random, and part of the keys of the fleet's files if `folder` is null.
 */

/** What a fleet's `request_json` contains. */
type StoredRequest = JobRequest & { fleet: FleetJobRequest };

/** Returns the key of the lock that fleets of a source share. It is the key of no database. */
export function toFleetLock(source: string): string {
  return `fleet of ${source}`;
}

/** Inserts a queued fleet that has done nothing yet. `folder` is null if the jobs database keeps its files. */
export function insertFleet(sql: SqlStorage, fleet: NewFleet, folder: string | null): void {
  const { request, ...rest } = fleet;
  const { source, callbackUrl, compression, consistency, content, copyRequired } = request;
  const { series, retention, retentionHours } = request;
  const stored: StoredRequest = {
    source,
    ...(callbackUrl !== undefined && { callbackUrl }),
    format: "sql",
    compression,
    consistency,
    content,
    ...(copyRequired !== undefined && { copyRequired }),
    ...(series !== undefined && { series }),
    ...(retention !== undefined && { retention }),
    retentionHours,
    fleet: request,
  };
  insertJob(sql, { ...rest, request: stored, databaseKey: toFleetLock(source) }, "fleet");
  sql.exec(
    "UPDATE tmp_export_jobs SET snapshot_id = ?, folder = ?, fleet_json = ? WHERE job_id = ?",
    crypto.randomUUID(),
    folder,
    JSON.stringify(FLEET_START),
    fleet.jobId,
  );
}

/** Returns the request from which a fleet was created. */
export function parseFleetRequest(job: Pick<JobRow, "request_json">): FleetJobRequest {
  return (JSON.parse(job.request_json) as StoredRequest).fleet;
}

/** Returns the newest state of a fleet. */
export function parseFleetState({ fleet_json }: Pick<JobRow, "fleet_json">): FleetState {
  return { ...FLEET_START, ...(JSON.parse(fleet_json ?? "{}") as Partial<FleetState>) };
}

/** Changes a fleet's state, and records that it got further. `rowsRead` is added to its usage. */
export function recordFleetState(
  sql: SqlStorage,
  job: JobRow,
  change: Partial<FleetState>,
  { warnings = [], rowsRead = 0 }: { warnings?: readonly string[]; rowsRead?: number } = {},
): void {
  sql.exec(
    `UPDATE tmp_export_jobs SET fleet_json = ?, checkpoint = checkpoint + 1, warnings_json = ?,
       usage_rows_read = usage_rows_read + ? WHERE job_id = ?`,
    JSON.stringify({ ...parseFleetState(job), ...change }),
    JSON.stringify(addWarnings(parseWarnings(job), warnings)),
    rowsRead,
    job.job_id,
  );
}

/** Returns the keys of the databases whose restore was created at `sinceMs` or later, each at least once. */
export function listRestoredKeys(sql: SqlStorage, sinceMs: number): string[] {
  return sql
    .exec<{ database_key: string }>(
      `SELECT database_key FROM tmp_export_jobs
       WHERE kind = 'restore' AND created_at_ms >= ? ORDER BY created_at_ms DESC, job_id DESC`,
      sinceMs,
    )
    .toArray()
    .map((row) => row.database_key);
}
