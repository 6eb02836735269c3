import type { JobRow } from "./job-rows.ts";
import { RETAINED } from "./state-sql.ts";

/*
 * The columns of `tmp_export_jobs` that show how a job's copies are tried again after it was
 * completed, and what their last files are: `copyings`, `copying_due_at_ms`, `manifest_stored`,
 * `is_signed`.
 */

/** The wait before the first instance that tries copies again, in milliseconds. It doubles each time. */
const FIRST_MS = 300_000;

/** The longest wait is this many doublings of the first one: about 11 hours. */
const DOUBLINGS_MAX = 7;

/** How long an instance may commit nothing before another is started, in milliseconds. */
export const COPYING_MS_MAX = 1_800_000;

/** How many instances try a job's copies again, over about a week. */
export const COPYINGS_MAX = 20;

/** Returns how long to wait after instance number `copyings` before the next one. */
export function getCopyingWaitMs(copyings: number): number {
  return FIRST_MS * 2 ** Math.min(copyings, DOUBLINGS_MAX);
}

/** Records that the job's manifest is about to be signed, so that its signature is never left behind. */
export function recordSigned(sql: SqlStorage, jobId: string): void {
  sql.exec("UPDATE tmp_export_jobs SET is_signed = 1 WHERE job_id = ?", jobId);
}

/** Records that the job's manifest is in the store. */
export function recordManifestStored(sql: SqlStorage, jobId: string): void {
  sql.exec("UPDATE tmp_export_jobs SET manifest_stored = 1 WHERE job_id = ?", jobId);
}

/** Records when the watchdog looks after the job's copies; null for never. */
export function recordCopyingDue(sql: SqlStorage, jobId: string, dueMs: number | null): void {
  sql.exec("UPDATE tmp_export_jobs SET copying_due_at_ms = ? WHERE job_id = ?", dueMs, jobId);
}

/** Counts an instance that tries the copies again, and records when it counts as lost. */
export function recordCopying(
  sql: SqlStorage,
  jobId: string,
  { copyings, nowMs }: { copyings: number; nowMs: number },
): void {
  sql.exec(
    "UPDATE tmp_export_jobs SET copyings = ?, copying_due_at_ms = ? WHERE job_id = ?",
    copyings,
    nowMs + COPYING_MS_MAX,
    jobId,
  );
}

/** Returns completed jobs whose copies are due: at most `limit`, the longest overdue first. */
export function listDueCopyings(
  sql: SqlStorage,
  { nowMs, limit }: { nowMs: number; limit: number },
): JobRow[] {
  return sql
    .exec<JobRow>(
      `SELECT * FROM tmp_export_jobs WHERE ${RETAINED} AND copying_due_at_ms <= ?
       ORDER BY copying_due_at_ms LIMIT ?`,
      nowMs,
      limit,
    )
    .toArray();
}

/** Returns when the first copies are due; null if there are none. */
export function findFirstCopyingMs(sql: SqlStorage): number | null {
  const first = sql
    .exec<{ due: number }>(
      `SELECT copying_due_at_ms AS due FROM tmp_export_jobs WHERE copying_due_at_ms IS NOT NULL
       ORDER BY copying_due_at_ms LIMIT 1`,
    )
    .toArray()[0];
  return first?.due ?? null;
}
