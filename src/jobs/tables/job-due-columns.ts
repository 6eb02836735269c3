import { ENDINGS_MAX } from "../../api/limits.ts";
import { ENDING_DUE_MS } from "./ending-due.ts";
import type { JobRow } from "./job-rows.ts";
import { ACTIVE, ENDED, FILELESS, RETAINED, STARTED } from "./state-sql.ts";

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

/** Returns active jobs whose run was started and has been silent for `silentMs`. */
export function listSilentJobs(
  sql: SqlStorage,
  { nowMs, silentMs, limit }: Due & { silentMs: number },
): JobRow[] {
  return sql
    .exec<JobRow>(
      `SELECT * FROM tmp_export_jobs WHERE ${STARTED} AND ${LAST_SEEN} <= ?
       ORDER BY ${LAST_SEEN} LIMIT ?`,
      nowMs - silentMs,
      limit,
    )
    .toArray();
}

/** Returns ended jobs whose snapshot may still be in its source, and that no instance is closing. */
export function listUnclosedJobs(sql: SqlStorage, { nowMs, limit }: Due): JobRow[] {
  return sql
    .exec<JobRow>(
      `SELECT * FROM tmp_export_jobs WHERE ${UNCLOSED} AND ${UNCLOSED_DUE_MS} <= ?
       ORDER BY ${UNCLOSED_DUE_MS} LIMIT ?`,
      nowMs,
      limit,
    )
    .toArray();
}

/** Returns completed jobs whose retention has ended. */
export function listExpiredJobs(sql: SqlStorage, { nowMs, limit }: Due): JobRow[] {
  return sql
    .exec<JobRow>(
      `SELECT * FROM tmp_export_jobs WHERE ${RETAINED} AND expires_at_ms <= ?
       ORDER BY expires_at_ms LIMIT ?`,
      nowMs,
      limit,
    )
    .toArray();
}

/**
 * Returns ended jobs that have no files, have nothing left to do, and have been remembered long
 * enough. Their discards have their own rows.
 */
export function listForgottenJobs(sql: SqlStorage, { nowMs, limit }: Due): JobRow[] {
  return sql
    .exec<JobRow>(
      `SELECT * FROM tmp_export_jobs WHERE ${FORGETTABLE} AND completed_at_ms <= ?
       ORDER BY completed_at_ms LIMIT ?`,
      nowMs - REMEMBERED_MS,
      limit,
    )
    .toArray();
}

/** Reports whether any job is active. */
export function hasActiveJob(sql: SqlStorage): boolean {
  const found = sql.exec(
    `SELECT 1 FROM tmp_export_jobs WHERE ${ACTIVE} AND database_key >= '' LIMIT 1`,
  );
  return found.toArray().length > 0;
}

/** When the first job of each kind is due; null if there is none. */
export interface JobDueTimes {
  unclosedMs: number | null;
  expiresMs: number | null;
  forgottenMs: number | null;
}

/*
 * The comparisons with 0 exclude nothing. They make SQLite search the index from its beginning
 * instead of scanning it. The test of the plans distinguishes the two.
 */

/** Returns when each list of ended jobs stops being empty. */
export function getJobDueTimes(sql: SqlStorage): JobDueTimes {
  const [unclosed] = sql
    .exec<{ due: number }>(
      `SELECT ${UNCLOSED_DUE_MS} AS due FROM tmp_export_jobs
       WHERE ${UNCLOSED} AND ${UNCLOSED_DUE_MS} >= 0 ORDER BY ${UNCLOSED_DUE_MS} LIMIT 1`,
    )
    .toArray();
  const [expiring] = sql
    .exec<{ due: number }>(
      `SELECT expires_at_ms AS due FROM tmp_export_jobs
       WHERE ${RETAINED} AND expires_at_ms >= 0 ORDER BY expires_at_ms LIMIT 1`,
    )
    .toArray();
  const [forgettable] = sql
    .exec<{ due: number }>(
      `SELECT completed_at_ms + ${REMEMBERED_MS} AS due FROM tmp_export_jobs
       WHERE ${FORGETTABLE} AND completed_at_ms >= 0 ORDER BY completed_at_ms LIMIT 1`,
    )
    .toArray();
  return {
    unclosedMs: unclosed?.due ?? null,
    expiresMs: expiring?.due ?? null,
    forgottenMs: forgettable?.due ?? null,
  };
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
