import { isActive } from "../../api/job-state.ts";
import type { JobView } from "../../api/job-view.ts";
import { sumArtifactBytes } from "../tables/artifact-rows.ts";
import { findRecentWork, sumChunkRows } from "../tables/chunk-rows.ts";
import { type JobRow, parseTotals } from "../tables/job-rows.ts";
import { sumTables } from "../tables/table-rows.ts";
import { cutPercent } from "./percent.ts";

/**
 * Returns a job's progress. The percentage weighs each table by its estimated
 * rows. A snapshot is estimated once, so the percentage never decreases. It is null while an
 * unfinished table has no cheap measure of its progress. Until the job's chunks are deleted, the
 * row count includes rows outside tables, such as key-value entries. An expired job has only totals.
 */
export function getJobProgress(sql: SqlStorage, job: JobRow): JobView["progress"] {
  const totals = parseTotals(job);
  if (totals !== null) {
    const { tables, rows, bytes } = totals;
    const rates = { bytesPerSecond: null, etaSeconds: null };
    return { percent: 100, tablesDone: tables, tablesTotal: tables, rows, bytes, ...rates };
  }
  const tables = sumTables(sql, job.job_id);
  const isKnown = tables.unknown === 0 && tables.weight > 0;
  const rowsLeft = isKnown ? tables.weight - tables.weighed / 100 : null;
  const rate = isActive(job.state) ? measureRate(sql, job.job_id) : null;
  return {
    percent: percentOfJob(job, isKnown ? tables.weighed / tables.weight : null),
    tablesDone: tables.done,
    tablesTotal: tables.total,
    rows: Math.max(tables.rows, sumChunkRows(sql, job.job_id)),
    bytes: sumArtifactBytes(sql, job.job_id),
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

function measureRate(
  sql: SqlStorage,
  jobId: string,
): { bytesPerSecond: number; rowsPerSecond: number } | null {
  const recent = findRecentWork(sql, jobId);
  if (recent === null || recent.ms <= 0) return null;
  const { bytes, rows, ms } = recent;
  return { bytesPerSecond: (bytes * 1_000) / ms, rowsPerSecond: (rows * 1_000) / ms };
}
