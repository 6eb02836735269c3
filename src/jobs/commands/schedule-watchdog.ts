import { STALL_SECONDS_DEFAULT } from "../../api/limits.ts";
import { readSettings } from "../../config/settings.ts";
import type { JobsContext } from "../jobs-context.ts";
import { findFirstCopyDiscardMs } from "../tables/copy-discard-rows.ts";
import { findFirstDiscardMs } from "../tables/discard-rows.ts";
import { findFirstFileDueMs } from "../tables/file-rows.ts";
import { getCallbackGraceMs, findFirstOverdueCallbackMs } from "../tables/job-callback-columns.ts";
import { findFirstCopyingMs } from "../tables/job-copying-columns.ts";
import { getJobDueTimes, hasActiveJob } from "../tables/job-due-columns.ts";
import { findFirstStreamDueMs } from "../tables/stream-rows.ts";

/** How soon the alarm retries what was due and could not be done. */
const OVERDUE_MS = 60_000;

/** Sets the object's alarm to the time of the watchdog's next check. An earlier alarm stays. */
export async function scheduleWatchdog(context: JobsContext): Promise<void> {
  const { storage, sql } = context;
  const atMs = findNextAlarmMs(sql, { nowMs: Date.now(), stallMs: readStallMs(context) });
  const current = await storage.getAlarm();
  if (atMs !== null && (current === null || atMs < current)) await storage.setAlarm(atMs);
}

/** Returns how long a run may be silent before it is woken, in milliseconds. */
export function readStallMs({ env }: JobsContext): number {
  try {
    return readSettings(env).stallMs;
  } catch {
    // Running jobs are watched even if a later deployment's vars are invalid.
    return STALL_SECONDS_DEFAULT * 1_000;
  }
}

/**
 * Returns when the next alarm is due; null if nothing remains to be checked. Each kind of task has
 * the time at which its list stops being empty. An overdue task failed in the last alarm, or did
 * not fit into it: the next one retries it in a minute.
 */
export function findNextAlarmMs(
  sql: SqlStorage,
  { nowMs, stallMs }: { nowMs: number; stallMs: number },
): number | null {
  const jobs = getJobDueTimes(sql);
  const times: number[] = [];
  if (hasActiveJob(sql)) times.push(nowMs + Math.max(1_000, Math.min(stallMs / 4, 30_000)));
  for (const dueMs of [
    jobs.unclosedMs,
    jobs.expiresMs,
    jobs.forgottenMs,
    findFirstStreamDueMs(sql),
    findFirstOverdueCallbackMs(sql, getCallbackGraceMs(stallMs)),
    findFirstDiscardMs(sql),
    findFirstFileDueMs(sql),
    findFirstCopyingMs(sql),
    findFirstCopyDiscardMs(sql),
  ]) {
    if (dueMs !== null) times.push(dueMs > nowMs ? dueMs : nowMs + OVERDUE_MS);
  }
  return times.length === 0 ? null : Math.min(...times);
}
