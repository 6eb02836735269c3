import { boundWarnings, WARNINGS_MAX } from "../tables/bound-warnings.ts";
import { listMissingMemberCopies } from "../tables/fleet-export-rows.ts";
import { type JobRow, parseRescues, parseWarnings } from "../tables/job-rows.ts";
import { describeMissingCopy, hasCopies, listCopyWarnings } from "./copies.ts";

/** Returns what the reader of a fleet's dumps must know, one sentence each, limited by `boundWarnings`. */
export function listFleetWarnings(sql: SqlStorage, job: JobRow): string[] {
  return boundWarnings([
    ...parseRescues(job).map(
      ({ run, reason }) => `run ${run} was replaced by run ${run + 1}, which resumed: ${reason}`,
    ),
    ...parseWarnings(job),
    ...listMemberCopyWarnings(sql, job),
    ...listCopyWarnings(sql, job),
  ]);
}

/** The fleet's own copies do not show those of the exports of large members, which have the same destinations. */
function listMemberCopyWarnings(sql: SqlStorage, { job_id: fleetId }: JobRow): string[] {
  if (!hasCopies(sql, fleetId)) return [];
  return listMissingMemberCopies(sql, fleetId, WARNINGS_MAX + 1).map(({ exportId, ...copy }) =>
    describeMissingCopy(`the copy of export ${exportId}`, copy),
  );
}
