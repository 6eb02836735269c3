import { boundWarnings } from "../tables/bound-warnings.ts";
import { parseFleetState } from "../tables/job-fleet-columns.ts";
import { type JobRow, parseRescues, parseWarnings } from "../tables/job-rows.ts";
import { listCopyWarnings } from "./copies.ts";

/** Returns what the reader of a fleet's dumps must know, one sentence each, limited by `boundWarnings`. */
export function listFleetWarnings(sql: SqlStorage, job: JobRow): string[] {
  return boundWarnings([
    ...parseRescues(job).map(
      ({ run, reason }) => `run ${run} was replaced by run ${run + 1}, which resumed: ${reason}`,
    ),
    ...parseWarnings(job),
    // The fleet's own copies do not show those of the exports of large members.
    ...parseFleetState(job).uncopied.flatMap((exportId) =>
      listCopyWarnings(sql, exportId, `the copy of export ${exportId}`),
    ),
    ...listCopyWarnings(sql, job.job_id),
  ]);
}
