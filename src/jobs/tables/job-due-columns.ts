import { callbackGraceMs, firstOverdueCallbackMs } from "./job-callback-columns.ts";
import { ENDINGS_MAX } from "../../api/limits.ts";
import { firstDiscardMs } from "./discard-rows.ts";
import type { JobRow } from "./job-rows.ts";
import type { StreamRow } from "./stream-rows.ts";

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

/** How soon the alarm looks again for what was due and could not be done. */
const OVERDUE_MS = 60_000;

/** How long the run of a job that has just ended may still close its snapshot. */
const CLOSING_MS = 60_000;

/** When the next instance may be started for what is left. */
const ENDING_DUE_MS = `coalesce(ending_at_ms, 0) + (${ENDING_GRACE_MS} << min(endings, ${ENDING_DOUBLINGS_MAX}))`;

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

/** Ended jobs whose snapshot may still be in its source, and when it is due to be closed. */
const UNCLOSED = `NOT ${ACTIVE} AND snapshot_open <> 0 AND endings < ${ENDINGS_MAX}`;
const UNCLOSED_DUE_MS = `max(completed_at_ms + ${CLOSING_MS}, ${ENDING_DUE_MS})`;

/** Ended jobs of which nothing is left but their rows. */
const FORGETTABLE = `state IN ('failed', 'cancelled', 'expired') AND callback_status <> 'pending'
  AND (snapshot_open = 0 OR endings >= ${ENDINGS_MAX})`;

/** Active jobs whose run has been silent for `silentMs`. */
export function listSilentJobs(
  sql: SqlStorage,
  of: { nowMs: number; silentMs: number; limit: number },
): JobRow[] {
  return listUpTo(sql, of.limit, `${ACTIVE} AND ${LAST_SEEN} <= ?`, of.nowMs - of.silentMs);
}

/** Ended jobs whose snapshot may still be in its source, and that no instance is closing. */
export function listUnclosedJobs(sql: SqlStorage, nowMs: number): JobRow[] {
  return list(sql, `${UNCLOSED} AND ${UNCLOSED_DUE_MS} <= ?`, nowMs);
}

/** Streams whose lease has run out, and that no instance is ending. */
export function listExpiredStreams(sql: SqlStorage, nowMs: number): StreamRow[] {
  return sql
    .exec<StreamRow>(
      `SELECT * FROM tmp_export_streams
       WHERE endings < ${ENDINGS_MAX} AND max(lease_until_ms, ${ENDING_DUE_MS}) <= ?
       ORDER BY lease_until_ms LIMIT ${SLICE}`,
      nowMs,
    )
    .toArray();
}

/** Streams whose snapshot has resisted so often that it is abandoned, and whose last attempt is over. */
export function listAbandonedStreams(sql: SqlStorage, nowMs: number): StreamRow[] {
  return sql
    .exec<StreamRow>(
      `SELECT * FROM tmp_export_streams
       WHERE endings >= ${ENDINGS_MAX} AND ${ENDING_DUE_MS} <= ? LIMIT ${SLICE}`,
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
    `${FORGETTABLE} AND completed_at_ms <= ?`,
    of.nowMs - REMEMBERED_MS,
  );
}

/**
 * When the next alarm is due; null if nothing is left to be looked after. Each kind has the time at
 * which its list is not empty any more. What is overdue is what the last alarm could not do, or what did
 * not fit in it: it is looked at again in a minute.
 */
export function nextAlarmMs(
  sql: SqlStorage,
  of: { nowMs: number; stallMs: number },
): number | null {
  const { nowMs, stallMs } = of;
  const row = sql
    .exec<{ active: number } & Record<"unclosed" | "expires" | "ended" | "stream", number | null>>(
      `SELECT
         count(CASE WHEN ${ACTIVE} THEN 1 END) AS active,
         min(CASE WHEN ${UNCLOSED} THEN ${UNCLOSED_DUE_MS} END) AS unclosed,
         min(CASE WHEN state = 'completed' THEN expires_at_ms END) AS expires,
         min(CASE WHEN ${FORGETTABLE} THEN completed_at_ms END) + ${REMEMBERED_MS} AS ended,
         (SELECT min(max(lease_until_ms, ${ENDING_DUE_MS})) FROM tmp_export_streams) AS stream
       FROM tmp_export_jobs`,
    )
    .one();
  const times: number[] = [];
  if (row.active > 0) times.push(nowMs + Math.max(1_000, Math.min(stallMs / 4, 30_000)));
  const callbackMs = firstOverdueCallbackMs(sql, callbackGraceMs(stallMs));
  const discardMs = firstDiscardMs(sql);
  for (const dueMs of [row.unclosed, row.expires, row.ended, row.stream, callbackMs, discardMs]) {
    if (dueMs !== null) times.push(dueMs > nowMs ? dueMs : nowMs + OVERDUE_MS);
  }
  return times.length === 0 ? null : Math.min(...times);
}
