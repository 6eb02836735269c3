import { ExportError } from "../../api/errors.ts";
import type { FailedMember } from "../../rpc/fleet-jobs.ts";
import { listFailures } from "../tables/fleet-failure-rows.ts";
import { parseFleetRequest, parseFleetState } from "../tables/job-fleet-columns.ts";
import type { JobRow } from "../tables/job-rows.ts";

/** The most characters of a name in a message. */
const NAME_CHARS_MAX = 100;

/**
 * Requires that a fleet has dumps to publish. Errors: `fleet-members-failed` if any member failed and the request
 * forbids it, or if none has a dump.
 */
export function requireMembers(sql: SqlStorage, job: JobRow): void {
  const { failed, packed, exported, empty } = parseFleetState(job);
  if (failed === 0) return;
  const isNothing = packed + exported === 0;
  if (!isNothing && !parseFleetRequest(job).failIfAny) return;
  const total = failed + packed + exported + empty;
  const [first] = listFailures(sql, job.job_id, { from: "", limit: 1 });
  const why = first === undefined ? "" : `; the first, ${describeFailure(first)}`;
  throw new ExportError(
    "fleet-members-failed",
    `${failed} of ${total} objects could not be backed up${why}`,
  );
}

function describeFailure({ member, code, message }: FailedMember): string {
  return `${JSON.stringify(member.slice(0, NAME_CHARS_MAX).toWellFormed())}: ${code}: ${message}`;
}
