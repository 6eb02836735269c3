import { isActive } from "../model/job-state.ts";
import { VIEW_ENTRIES_MAX } from "../model/limits.ts";
import { type JobRow, rescuesOf } from "./job-rows.ts";

/** What the reader of a job's artifacts has to know, a sentence each; no more than a view may hold. */
export function listWarnings(sql: SqlStorage, job: JobRow): string[] {
  const notClosed = job.snapshot_open === 1 && !isActive(job.state);
  return [
    ...rescuesOf(job).map(
      ({ run, reason }) =>
        `run ${run} was replaced by run ${run + 1}, which went on from its checkpoint: ${reason}`,
    ),
    ...(JSON.parse(job.warnings_json) as string[]),
    ...replacementWarnings(sql, job.job_id),
    ...(notClosed
      ? ["snapshot-not-closed: its triggers may still be in the database; closing is tried again"]
      : []),
  ];
}

function replacementWarnings(sql: SqlStorage, jobId: string): string[] {
  return sql
    .exec<{ name: string; replacements: number }>(
      `SELECT name, replacements FROM tmp_export_job_tables
       WHERE job_id = ? AND replacements > 0 ORDER BY ordinal LIMIT ${VIEW_ENTRIES_MAX}`,
      jobId,
    )
    .toArray()
    .map(
      ({ name, replacements }) =>
        `table ${JSON.stringify(name)} has text that is not valid UTF-8: U+FFFD was written ` +
        `${replacements} times in its place`,
    );
}
