import type { TableView } from "../../api/job-view.ts";
import type { TableProgress } from "../../rpc/chunk-commit.ts";
import type { KeyRange } from "../../sqlite/key-range.ts";

/** What was read from one table of a job. */
export interface TableRecord {
  name: string;
  status: TableView["status"];
  rows: number;
  bytes: number;
  percent: number | null;
}

/** Inserts the tables of a job's plan, in order. */
export function insertTables(sql: SqlStorage, jobId: string, names: readonly string[]): void {
  for (const [ordinal, name] of names.entries()) {
    sql.exec(
      "INSERT INTO tmp_export_job_tables (job_id, ordinal, name) VALUES (?, ?, ?)",
      jobId,
      ordinal,
      name,
    );
  }
}

/** Records where the keys of a plan's tables begin and end. */
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

/** Returns where a table's keys begin and end; null for a table without such keys. */
export function getKeyRange(
  sql: SqlStorage,
  { jobId, name }: { jobId: string; name: string },
): { first: number | null; last: number | null } {
  return sql
    .exec<{ first: number | null; last: number | null }>(
      `SELECT key_first AS first, key_last AS last FROM tmp_export_job_tables
       WHERE job_id = ? AND name = ?`,
      jobId,
      name,
    )
    .one();
}

/** Adds what a chunk read from a table. */
export function addTableProgress(sql: SqlStorage, jobId: string, table: TableProgress): void {
  sql.exec(
    `UPDATE tmp_export_job_tables SET rows = rows + ?, bytes = bytes + ?, status = ?,
       replacements = replacements + ?
     WHERE job_id = ? AND name = ?`,
    table.rows,
    table.bytes,
    table.done ? "done" : "running",
    table.replacements,
    jobId,
    table.name,
  );
}

/** Records how much of a table is read, in percent; never less than before. */
export function recordPercent(
  sql: SqlStorage,
  table: { jobId: string; name: string; percent: number | null },
): void {
  sql.exec(
    "UPDATE tmp_export_job_tables SET percent = max(coalesce(percent, 0), ?) WHERE job_id = ? AND name = ?",
    table.percent,
    table.jobId,
    table.name,
  );
}

/** Returns every table of a job with what was read from it; at most `limit` tables. */
export function listTables(sql: SqlStorage, jobId: string, limit = -1): TableRecord[] {
  return sql
    .exec<{ name: string; status: string; rows: number; bytes: number; percent: number | null }>(
      `SELECT name, status, rows, bytes, percent FROM tmp_export_job_tables
       WHERE job_id = ? ORDER BY ordinal LIMIT ?`,
      jobId,
      limit,
    )
    .toArray()
    .map(({ name, status, rows, bytes, percent }) => ({
      name,
      status: status as TableRecord["status"],
      rows,
      bytes,
      percent,
    }));
}

/**
 * Returns the first `limit` tables of a job whose text is not valid UTF-8, and how many places are
 * invalid.
 */
export function listReplacements(
  sql: SqlStorage,
  jobId: string,
  limit: number,
): { name: string; replacements: number }[] {
  return sql
    .exec<{ name: string; replacements: number }>(
      `SELECT name, replacements FROM tmp_export_job_tables
       WHERE job_id = ? AND replacements > 0 ORDER BY ordinal LIMIT ?`,
      jobId,
      limit,
    )
    .toArray();
}

/** What was read from all tables of a job. */
export type TableTotals = {
  done: number;
  total: number;
  rows: number;
  /** Unfinished tables without an estimate of their rows. */
  unknown: number;
  /** Estimated rows of all tables. */
  weight: number;
  /** The same, with each table's number multiplied by its percentage. */
  weighed: number;
};

export function sumTables(sql: SqlStorage, jobId: string): TableTotals {
  return sql
    .exec<TableTotals>(
      `SELECT coalesce(sum(status = 'done'), 0) AS done, count(*) AS total,
         coalesce(sum(rows), 0) AS rows,
         coalesce(sum(status <> 'done' AND rows_guess IS NULL), 0) AS unknown,
         coalesce(sum(coalesce(rows_guess, rows)), 0) AS weight,
         coalesce(sum(coalesce(rows_guess, rows) * coalesce(percent, 0)), 0) AS weighed
       FROM tmp_export_job_tables WHERE job_id = ?`,
      jobId,
    )
    .one();
}

export function deleteTables(sql: SqlStorage, jobId: string): void {
  sql.exec("DELETE FROM tmp_export_job_tables WHERE job_id = ?", jobId);
}
