import { isActive } from "../../api/job-state.ts";
import { ENDINGS_MAX } from "../../api/limits.ts";
import { boundWarnings, WARNINGS_MAX } from "../tables/bound-warnings.ts";
import {
  type JobRow,
  parseRescues,
  parseWarnings,
  SNAPSHOT_TABLES_LEFT,
} from "../tables/job-rows.ts";
import { listCopyWarnings } from "./copies.ts";
import { listReplacements } from "../tables/table-rows.ts";

/**
 * Returns what the reader of a job's artifacts must know, one sentence each, limited by
 * `boundWarnings`.
 */
export function listWarnings(sql: SqlStorage, job: JobRow): string[] {
  return boundWarnings([
    ...waitingWarnings(job),
    ...parseRescues(job).map(
      ({ run, reason }) =>
        `run ${run} was replaced by run ${run + 1}, which resumed from its checkpoint: ${reason}`,
    ),
    ...parseWarnings(job),
    ...listCopyWarnings(sql, job.job_id),
    ...replacementWarnings(sql, job.job_id),
    ...(isActive(job.state) ? [] : leftWarnings(job)),
  ]);
}

/** What an ended job's snapshot left in its source. */
function leftWarnings({ snapshot_open, endings }: JobRow): string[] {
  if (snapshot_open === 0) return [];
  const next =
    endings < ENDINGS_MAX
      ? "the watchdog will retry the closing"
      : `closing was abandoned after ${endings} attempts; the next export of this database retries it`;
  return [
    snapshot_open === SNAPSHOT_TABLES_LEFT
      ? `snapshot-tables-left: some of its tables, now empty, are still in the database, which kept them locked; ${next}`
      : `snapshot-not-closed: its triggers may still be in the database; ${next}`,
  ];
}

/**
 * Reports whether the instance of an active job's run was last seen waiting and has shown no
 * activity since.
 */
export function isWaiting(job: JobRow): boolean {
  return isActive(job.state) && (job.waited_at_ms ?? 0) > job.heartbeat_at_ms;
}

function waitingWarnings(job: JobRow): string[] {
  if (!isWaiting(job)) return [];
  return job.waiting_as === "paused"
    ? [`the Workflow instance of run ${job.run} is paused: resume it, or delete the job`]
    : [`the Workflow instance of run ${job.run} is queued: it starts after others have ended`];
}

/** Returns a sentence for each table whose text is not valid UTF-8. */
export function replacementWarnings(sql: SqlStorage, jobId: string): string[] {
  return listReplacements(sql, jobId, WARNINGS_MAX + 1).map(
    ({ name, replacements }) =>
      `table ${JSON.stringify(name)} has text that is not valid UTF-8: U+FFFD was written ` +
      `${replacements} times in its place`,
  );
}
