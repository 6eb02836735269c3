import type { KeepReason } from "../../api/retention-policy.ts";
import type { JobRow } from "./job-rows.ts";
import { RETAINED } from "./state-sql.ts";

/*
 * The columns of `tmp_export_jobs` that show which series a job is in, what keeps it, and until when
 * a download may read its files: `series_key`, `kept_by_json`, `read_until_ms`.
 */

/** A completed job of a series whose files are kept. */
export interface SeriesMember {
  jobId: string;
  /** The instant that it shows. */
  snapshotAtMs: number;
  /** What kept it last, as JSON of `KeepReason[]`; null before its first explanation. */
  keptByJson: string | null;
}

/** Puts a new job into the series `name` of its database, or a fleet into that of its source. */
export function recordSeries(
  sql: SqlStorage,
  jobId: string,
  { databaseKey, name }: { databaseKey: string; name: string },
): void {
  const seriesKey = JSON.stringify([databaseKey, name]);
  sql.exec("UPDATE tmp_export_jobs SET series_key = ? WHERE job_id = ?", seriesKey, jobId);
}

/** Returns the completed jobs of a series that are not due to expire, in any order. */
export function listSeries(sql: SqlStorage, seriesKey: string): SeriesMember[] {
  return sql
    .exec<{ job_id: string; at_ms: number; kept_by_json: string | null }>(
      `SELECT job_id, coalesce(snapshot_at_ms, created_at_ms) AS at_ms, kept_by_json
       FROM tmp_export_jobs WHERE series_key = ? AND ${RETAINED} AND expires_at_ms IS NULL`,
      seriesKey,
    )
    .toArray()
    .map((row) => ({
      jobId: row.job_id,
      snapshotAtMs: row.at_ms,
      keptByJson: row.kept_by_json,
    }));
}

/** Records what keeps a job of a series. */
export function recordKeptBy(sql: SqlStorage, jobId: string, keptBy: readonly KeepReason[]): void {
  sql.exec(
    "UPDATE tmp_export_jobs SET kept_by_json = ? WHERE job_id = ?",
    JSON.stringify(keptBy),
    jobId,
  );
}

/** Returns what kept a job of a series; null before its first explanation. */
export function parseKeptBy({ kept_by_json }: Pick<JobRow, "kept_by_json">): KeepReason[] | null {
  return kept_by_json === null ? null : (JSON.parse(kept_by_json) as KeepReason[]);
}

/** Records that a download may read a job's files until `readUntilMs`; null for none. */
export function recordReading(sql: SqlStorage, jobId: string, readUntilMs: number | null): void {
  sql.exec("UPDATE tmp_export_jobs SET read_until_ms = ? WHERE job_id = ?", readUntilMs, jobId);
}
