import type { JobRequest } from "../../api/export-request.ts";
import type { NewRestore, RestoreJobRequest, RestoreState } from "../../rpc/restore-jobs.ts";
import { RESTORE_START } from "../../rpc/restore-jobs.ts";
import { insertJob, type JobRow } from "./job-rows.ts";
import { ACTIVE, ENDED } from "./state-sql.ts";

/**
 * The column of `tmp_export_jobs` that only restores have: `restore_json`. A restore's request is in
 * `request_json`, together with the fields of an export's request, so that a version without restores can still
 * list the job.
 */

/** What a restore's `request_json` contains. */
type StoredRequest = JobRequest & { restore: RestoreJobRequest };

/** Inserts a queued restore that has done nothing yet. */
export function insertRestore(sql: SqlStorage, restore: NewRestore): void {
  const { request, ...rest } = restore;
  const { target, name, id, retentionHours, callbackUrl } = request;
  const stored: StoredRequest = {
    source: target,
    ...(name !== undefined && { name }),
    ...(id !== undefined && { id }),
    ...(callbackUrl !== undefined && { callbackUrl }),
    format: "sql",
    compression: "none",
    consistency: "live",
    content: "all",
    retentionHours,
    restore: request,
  };
  insertJob(sql, { ...rest, request: stored }, "restore");
  recordRestoreState(sql, restore.jobId, RESTORE_START);
}

/** Replaces the state of a restore. */
export function recordRestoreState(sql: SqlStorage, jobId: string, state: RestoreState): void {
  sql.exec(
    "UPDATE tmp_export_jobs SET restore_json = ? WHERE job_id = ?",
    JSON.stringify(state),
    jobId,
  );
}

/** Records a step of a restore: its checkpoint, its warnings and its cost. */
export function recordRestoreStep(
  sql: SqlStorage,
  jobId: string,
  step: { warnings: readonly string[]; rowsRead: number; rowsWritten: number },
): void {
  sql.exec(
    `UPDATE tmp_export_jobs SET checkpoint = checkpoint + 1, warnings_json = ?,
       usage_rows_read = usage_rows_read + ?, usage_rows_written = usage_rows_written + ?
     WHERE job_id = ?`,
    JSON.stringify(step.warnings),
    step.rowsRead,
    step.rowsWritten,
    jobId,
  );
}

/** Records whether a restore may have left something in its target. */
export function recordTargetOpen(sql: SqlStorage, jobId: string, isOpen: boolean): void {
  sql.exec("UPDATE tmp_export_jobs SET snapshot_open = ? WHERE job_id = ?", isOpen ? 1 : 0, jobId);
}

/**
 * Returns the restores that run, or may still clean up their targets, in any order. The named indexes contain only active
 * jobs, and only unclosed restores; SQLite would prefer one with all ended restores. The comparisons exclude nothing.
 */
export function listOpenRestores(sql: SqlStorage): JobRow[] {
  return sql
    .exec<JobRow>(
      `SELECT * FROM tmp_export_jobs INDEXED BY tmp_export_jobs_active
         WHERE ${ACTIVE} AND kind = 'restore' AND database_key >= ''
       UNION ALL SELECT * FROM tmp_export_jobs INDEXED BY tmp_export_jobs_restore_unclosed
         WHERE kind = 'restore' AND ${ENDED} AND snapshot_open <> 0 AND database_key >= ''`,
    )
    .toArray();
}

/** Returns the request from which a restore was created. */
export function parseRestoreRequest(job: Pick<JobRow, "request_json">): RestoreJobRequest {
  return (JSON.parse(job.request_json) as StoredRequest).restore;
}

/** Returns the newest state of a restore. */
export function parseRestoreState({ restore_json }: Pick<JobRow, "restore_json">): RestoreState {
  return restore_json === null ? RESTORE_START : (JSON.parse(restore_json) as RestoreState);
}
