import type { JobState } from "../../api/job-state.ts";
import type { JobPosition } from "../../rpc/http-jobs.ts";
import type { JobKind, JobRow } from "./job-rows.ts";
import { RETAINED } from "./state-sql.ts";

/** A page of jobs to read. */
interface JobRowsPage {
  kind: JobKind;
  status: JobState | undefined;
  limit: number;
  after: JobPosition | undefined;
  nowMs: number;
}

/** Follows the position of every job. */
const START: JobPosition = { createdAtMs: Number.MAX_SAFE_INTEGER, jobId: "" };

/** The jobs of kind ?1 after the position ?2, ?3. */
const AFTER = "kind = ?1 AND (created_at_ms, job_id) < (?2, ?3)";
const NEWEST = "ORDER BY created_at_ms DESC, job_id DESC LIMIT ?4";

/** At the time ?6, a completed job whose retention has ended is expired. */
const OF_STATE = `SELECT * FROM tmp_export_jobs WHERE ${AFTER} AND state = ?5
  AND (expires_at_ms IS NULL OR expires_at_ms > ?6 OR NOT ${RETAINED})`;

/** Completed jobs that are due to expire. Other indexes would find all completed jobs. */
const DUE = `SELECT * FROM tmp_export_jobs INDEXED BY tmp_export_jobs_expiring
  WHERE ${AFTER} AND ${RETAINED} AND expires_at_ms <= ?6`;

/**
 * Returns one page of jobs, newest first, after the job `after`. It reads only the page's rows,
 * and those that the watchdog has not expired yet.
 */
export function listJobs(sql: SqlStorage, page: JobRowsPage): JobRow[] {
  const { kind, status, limit } = page;
  const { createdAtMs, jobId } = page.after ?? START;
  const values = [kind, createdAtMs, jobId, limit];
  if (status === undefined) {
    return sql
      .exec<JobRow>(`SELECT * FROM tmp_export_jobs WHERE ${AFTER} ${NEWEST}`, ...values)
      .toArray();
  }
  if (status !== "expired") {
    return sql.exec<JobRow>(`${OF_STATE} ${NEWEST}`, ...values, status, page.nowMs).toArray();
  }
  return sql
    .exec<JobRow>(`${OF_STATE} UNION ALL ${DUE} ${NEWEST}`, ...values, status, page.nowMs)
    .toArray();
}
