import { type JobRow, parseRescues } from "../tables/job-rows.ts";

/** Rescues that a job remembers, the newest: more than may happen at one place, and a view shows them. */
export const RESCUES_KEPT = 20;

/** Where a job stands: equal as long as its runs have committed and verified nothing more. */
export function placeOf(sql: SqlStorage, job: JobRow): string {
  const { verified } = sql
    .exec<{ verified: number }>(
      `SELECT count(*) AS verified FROM tmp_export_job_artifacts
       WHERE job_id = ? AND state = 'verified'`,
      job.job_id,
    )
    .one();
  return `${job.checkpoint}/${verified}`;
}

/**
 * The runs in a row that ended where the job stands now, and the current one. A job whose every run
 * comes further may have any number of runs. Rescues of an earlier version count as made here.
 */
export function countRunsAtPlace(sql: SqlStorage, job: JobRow): number {
  const place = placeOf(sql, job);
  const rescues = parseRescues(job);
  const other = rescues.findLastIndex((rescue) => (rescue.place ?? place) !== place);
  return rescues.length - other;
}
