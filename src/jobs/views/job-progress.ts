import type { Cursor } from "../../rpc/cursor.ts";
import { isActive } from "../../api/job-state.ts";
import type { JobView } from "../../api/job-view.ts";
import { cutPercent, percentRead } from "./percent.ts";
import type { KeyRange } from "../../sqlite/key-range.ts";
import type { JobRow } from "../tables/job-rows.ts";

/** Chunks looked at for a rate: enough to smooth it, few enough to follow a change. */
const RATE_CHUNKS = 5;

/** Keeps where the keys of a plan's tables begin and end. */
export function recordKeyRanges(sql: SqlStorage, jobId: string, ranges: readonly KeyRange[]): void {
  for (const { table, first, last, rows } of ranges) {
    sql.exec(
      `UPDATE tmp_export_job_tables SET key_first = ?, key_last = ?, rows_guess = ?
       WHERE job_id = ? AND name = ?`,
      first,
      last,
      rows,
      jobId,
      table,
    );
  }
}

/** Keeps how much of a table is read; never less than before. */
export function recordPercent(
  sql: SqlStorage,
  table: { jobId: string; name: string; done: boolean; cursor: Cursor },
): void {
  sql.exec(
    "UPDATE tmp_export_job_tables SET percent = max(coalesce(percent, 0), ?) WHERE job_id = ? AND name = ?",
    table.done ? 100 : percentOf(sql, table),
    table.jobId,
    table.name,
  );
}

function percentOf(
  sql: SqlStorage,
  { jobId, name, cursor }: { jobId: string; name: string; cursor: Cursor },
): number | null {
  const range = sql
    .exec<{ first: number | null; last: number | null }>(
      `SELECT key_first AS first, key_last AS last FROM tmp_export_job_tables
       WHERE job_id = ? AND name = ?`,
      jobId,
      name,
    )
    .one();
  return percentRead(range, cursor.after);
}

/**
 * A job's progress without its bytes. The percentage weighs each table by its estimated rows. A
 * snapshot is estimated once, so the percentage never decreases. It is null while an unfinished table
 * has no cheap measure of its progress. The rows include rows outside tables, such as key-value
 * entries, while the job has its chunks.
 */
export function progressOf(sql: SqlStorage, job: JobRow): Omit<JobView["progress"], "bytes"> {
  const tables = sql
    .exec<{
      done: number;
      total: number;
      rows: number;
      unknown: number;
      weight: number;
      weighed: number;
    }>(
      `SELECT coalesce(sum(status = 'done'), 0) AS done, count(*) AS total,
         max(coalesce(sum(rows), 0), (SELECT coalesce(sum(rows), 0) FROM tmp_export_job_chunks WHERE job_id = ?1)) AS rows,
         coalesce(sum(status <> 'done' AND rows_guess IS NULL), 0) AS unknown,
         coalesce(sum(coalesce(rows_guess, rows)), 0) AS weight,
         coalesce(sum(coalesce(rows_guess, rows) * coalesce(percent, 0)), 0) AS weighed
       FROM tmp_export_job_tables WHERE job_id = ?1`,
      job.job_id,
    )
    .one();
  const active = isActive(job.state);
  const known = tables.unknown === 0 && tables.weight > 0;
  const rowsLeft = known ? tables.weight - tables.weighed / 100 : null;
  const rate = active ? rateOf(sql, job.job_id) : null;
  return {
    percent: percentOfJob(job, known ? tables.weighed / tables.weight : null),
    tablesDone: tables.done,
    tablesTotal: tables.total,
    rows: tables.rows,
    bytesPerSecond: rate === null ? null : Math.round(rate.bytesPerSecond),
    etaSeconds:
      rate === null || rowsLeft === null || rate.rowsPerSecond === 0
        ? null
        : Math.ceil(rowsLeft / rate.rowsPerSecond),
  };
}

function percentOfJob(job: JobRow, percent: number | null): number | null {
  if (job.state === "completed" || job.state === "expired") return 100;
  return percent === null ? null : cutPercent(percent);
}

/**
 * What the last chunks brought a second; null before there are any. A chunk of many small artifacts has
 * a row for its piece of each.
 */
function rateOf(
  sql: SqlStorage,
  jobId: string,
): { bytesPerSecond: number; rowsPerSecond: number } | null {
  const recent = sql
    .exec<{ bytes: number | null; rows: number | null; started: number; ended: number }>(
      `SELECT sum(bytes) AS bytes, sum(rows) AS rows, min(started_at_ms) AS started,
         max(committed_at_ms) AS ended FROM
         (SELECT sum(bytes) AS bytes, sum(rows) AS rows, min(started_at_ms) AS started_at_ms,
            max(committed_at_ms) AS committed_at_ms FROM tmp_export_job_chunks
          WHERE job_id = ? GROUP BY number ORDER BY number DESC LIMIT ?)`,
      jobId,
      RATE_CHUNKS,
    )
    .one();
  const ms = recent.ended - recent.started;
  if (recent.bytes === null || recent.rows === null || ms <= 0) return null;
  return {
    bytesPerSecond: (recent.bytes * 1_000) / ms,
    rowsPerSecond: (recent.rows * 1_000) / ms,
  };
}
