import type { JobRow } from "./job-rows.ts";
import { firstLeaseEndMs, type StreamRow } from "./stream-rows.ts";

/** What one alarm takes up of each kind, so that it stays short. */
export const SLICE = 10;

/** How long ended jobs without files are remembered. */
const REMEMBERED_MS = 30 * 86_400_000;

/**
 * How long an instance that closes a snapshot is left alone before another is started: twice as long
 * after each, up to a day. A database that is gone for good must not cost an instance every minute.
 */
const ENDING_GRACE_MS = 180_000;
const ENDING_DOUBLINGS_MAX = 9;

/** How soon the alarm looks again while something that should be gone is not. */
const UNFINISHED_MS = 60_000;

const list = (sql: SqlStorage, condition: string, ...values: (string | number)[]): JobRow[] =>
  listUpTo(sql, SLICE, condition, ...values);

const listUpTo = (
  sql: SqlStorage,
  limit: number,
  condition: string,
  ...values: (string | number)[]
): JobRow[] =>
  sql
    .exec<JobRow>(
      `SELECT * FROM tmp_export_jobs WHERE ${condition} ORDER BY ${LAST_SEEN} LIMIT ${limit}`,
      ...values,
    )
    .toArray();

/** When a run last worked, or its instance was last seen to wait. */
const LAST_SEEN = "max(heartbeat_at_ms, coalesce(waited_at_ms, 0))";

const ACTIVE = "state IN ('queued', 'running')";

/** Active jobs whose run has been silent for `silentMs`. */
export function listSilentJobs(
  sql: SqlStorage,
  of: { nowMs: number; silentMs: number; limit: number },
): JobRow[] {
  return listUpTo(sql, of.limit, `${ACTIVE} AND ${LAST_SEEN} <= ?`, of.nowMs - of.silentMs);
}

/** Ended jobs whose snapshot may still be in its source, and that no instance is closing. */
export function listUnclosedJobs(sql: SqlStorage, nowMs: number): JobRow[] {
  return list(
    sql,
    `NOT ${ACTIVE} AND snapshot_open = 1 AND completed_at_ms <= ?
       AND coalesce(ending_at_ms, 0) + (? << min(endings, ${ENDING_DOUBLINGS_MAX})) <= ?`,
    nowMs - UNFINISHED_MS,
    ENDING_GRACE_MS,
    nowMs,
  );
}

/** Streams whose lease has run out, and that no instance is ending. */
export function listExpiredStreams(sql: SqlStorage, nowMs: number): StreamRow[] {
  return sql
    .exec<StreamRow>(
      `SELECT * FROM tmp_export_streams WHERE lease_until_ms <= ?
         AND coalesce(ending_at_ms, 0) + (? << min(endings, ${ENDING_DOUBLINGS_MAX})) <= ?
       ORDER BY lease_until_ms LIMIT ${SLICE}`,
      nowMs,
      ENDING_GRACE_MS,
      nowMs,
    )
    .toArray();
}

/** Completed jobs whose retention has ended. */
export function listExpiredJobs(sql: SqlStorage, of: { nowMs: number; limit: number }): JobRow[] {
  return listUpTo(sql, of.limit, "state = 'completed' AND expires_at_ms <= ?", of.nowMs);
}

/** Ended jobs without files and debts that have been remembered long enough. What they have discarded is kept apart. */
export function listForgottenJobs(sql: SqlStorage, of: { nowMs: number; limit: number }): JobRow[] {
  return listUpTo(
    sql,
    of.limit,
    `state IN ('failed', 'cancelled', 'expired') AND snapshot_open = 0
       AND callback_status <> 'pending' AND completed_at_ms <= ?`,
    of.nowMs - REMEMBERED_MS,
  );
}

/**
 * When the next alarm is due; null where nothing is left to be looked after. What is overdue is what
 * the last alarm could not do, or had no room for: it is looked at again in a minute.
 */
export function nextAlarmMs(
  sql: SqlStorage,
  of: { nowMs: number; stallMs: number },
): number | null {
  const { nowMs, stallMs } = of;
  const row = sql
    .exec<{ active: number; unfinished: number; expires: number | null; ended: number | null }>(
      `SELECT
         count(CASE WHEN ${ACTIVE} THEN 1 END) AS active,
         (SELECT count(*) FROM tmp_export_job_discards) + count(CASE WHEN NOT ${ACTIVE} AND (snapshot_open = 1 OR callback_status = 'pending') THEN 1 END) AS unfinished,
         min(CASE WHEN state = 'completed' THEN expires_at_ms END) AS expires,
         min(CASE WHEN state IN ('failed', 'cancelled', 'expired') THEN completed_at_ms END) AS ended
       FROM tmp_export_jobs`,
    )
    .one();
  const times: number[] = [];
  if (row.active > 0) times.push(nowMs + Math.max(1_000, Math.min(stallMs / 4, 30_000)));
  if (row.unfinished > 0) times.push(nowMs + UNFINISHED_MS);
  const forgottenMs = row.ended === null ? null : row.ended + REMEMBERED_MS;
  for (const dueMs of [row.expires, forgottenMs, firstLeaseEndMs(sql)]) {
    if (dueMs !== null) times.push(dueMs > nowMs ? dueMs : nowMs + UNFINISHED_MS);
  }
  return times.length === 0 ? null : Math.min(...times);
}
