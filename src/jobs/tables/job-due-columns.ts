import { ENDINGS_MAX } from "../../api/limits.ts";
import { ENDING_DUE_MS } from "./ending-due.ts";
import type { JobRow } from "./job-rows.ts";
import { ACTIVE, ENDED, FILELESS, RETAINED } from "./state-sql.ts";

/*
 * The columns of `tmp_export_jobs` that show the watchdog what is due: `heartbeat_at_ms`,
 * `waited_at_ms`, `completed_at_ms`, `expires_at_ms`, `snapshot_open`, `endings`, `ending_at_ms`.
 * This file writes the last two. `job-callback-columns.ts` finds the callbacks that are due.
 */

/** How long ended jobs without files are remembered. */
const REMEMBERED_MS = 30 * 86_400_000;

/** How long the run of a job that has just ended may still take to close its snapshot. */
const CLOSING_MS = 60_000;

/** When a run last worked, or its instance was last seen waiting. */
const LAST_SEEN = "max(heartbeat_at_ms, coalesce(waited_at_ms, 0))";

/** The condition for an ended job that may have left something in its database, and when closing it is due. */
const UNCLOSED = `${ENDED} AND snapshot_open <> 0 AND endings < ${ENDINGS_MAX}`;
const UNCLOSED_DUE_MS = `max(completed_at_ms + ${CLOSING_MS}, ${ENDING_DUE_MS})`;

/** The condition for an ended job with nothing left except its rows. */
const FORGETTABLE = `(${FILELESS} OR (kind = 'restore' AND ${ENDED})) AND callback_status <> 'pending'
  AND (snapshot_open = 0 OR endings >= ${ENDINGS_MAX})`;

/** What is due at `nowMs`: at most `limit` rows, the longest overdue first. */
interface Due {
  nowMs: number;
  limit: number;
}

/** Returns active jobs whose run has been silent for `silentMs`. */
export function listSilentJobs(
  sql: SqlStorage,
  { nowMs, silentMs, limit }: Due & { silentMs: number },
): JobRow[] {
  return list(sql, limit, `${ACTIVE} AND ${LAST_SEEN} <= ?`, nowMs - silentMs);
}

/** Returns ended jobs whose snapshot may still be in its source, and that no instance is closing. */
export function listUnclosedJobs(sql: SqlStorage, { nowMs, limit }: Due): JobRow[] {
  return list(sql, limit, `${UNCLOSED} AND ${UNCLOSED_DUE_MS} <= ?`, nowMs);
}

/** Returns completed jobs whose retention has ended. */
export function listExpiredJobs(sql: SqlStorage, { nowMs, limit }: Due): JobRow[] {
  return list(sql, limit, `${RETAINED} AND expires_at_ms <= ?`, nowMs);
}

/**
 * Returns ended jobs that have no files, have nothing left to do, and have been remembered long
 * enough. Their discards have their own rows.
 */
export function listForgottenJobs(sql: SqlStorage, { nowMs, limit }: Due): JobRow[] {
  return list(sql, limit, `${FORGETTABLE} AND completed_at_ms <= ?`, nowMs - REMEMBERED_MS);
}

function list(sql: SqlStorage, limit: number, condition: string, value: number): JobRow[] {
  return sql
    .exec<JobRow>(
      `SELECT * FROM tmp_export_jobs WHERE ${condition} ORDER BY ${LAST_SEEN} LIMIT ?`,
      value,
      limit,
    )
    .toArray();
}

/**
 * How many jobs are active, and when the first job of each other kind is due; null if there is
 * none.
 */
export type JobDueTimes = {
  active: number;
  unclosedMs: number | null;
  expiresMs: number | null;
  forgottenMs: number | null;
};

/** Returns when each of the lists above stops being empty. */
export function getJobDueTimes(sql: SqlStorage): JobDueTimes {
  return sql
    .exec<JobDueTimes>(
      `SELECT
         count(CASE WHEN ${ACTIVE} THEN 1 END) AS active,
         min(CASE WHEN ${UNCLOSED} THEN ${UNCLOSED_DUE_MS} END) AS unclosedMs,
         min(CASE WHEN ${RETAINED} THEN expires_at_ms END) AS expiresMs,
         min(CASE WHEN ${FORGETTABLE} THEN completed_at_ms END) + ${REMEMBERED_MS} AS forgottenMs
       FROM tmp_export_jobs`,
    )
    .one();
}

/** Records that instance number `endings` was started for what an ended job left. */
export function recordEnding(
  sql: SqlStorage,
  jobId: string,
  ending: { endings: number; nowMs: number },
): void {
  sql.exec(
    "UPDATE tmp_export_jobs SET endings = ?, ending_at_ms = ? WHERE job_id = ?",
    ending.endings,
    ending.nowMs,
    jobId,
  );
}
