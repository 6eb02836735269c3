import { ExportError } from "../../api/errors.ts";
import type { FleetView } from "../../api/fleet-view.ts";
import type { FailedMember } from "../../rpc/fleet-jobs.ts";
import type { RunId } from "../../rpc/run-payload.ts";
import { deleteUnfinished } from "../../storage/inline/inline-objects.ts";
import type { JobsContext } from "../jobs-context.ts";
import { listFailures } from "../tables/fleet-failure-rows.ts";
import {
  parseFleetRequest,
  parseFleetState,
  recordFleetState,
} from "../tables/job-fleet-columns.ts";
import {
  getJobOfKind,
  getJobOfRun,
  type JobRow,
  moveJobIf,
  recordExpiry,
} from "../tables/job-rows.ts";
import { countStep } from "../tables/job-run-columns.ts";
import { toFleetView } from "../views/fleet-view.ts";
import { countManifestOperations } from "./commit-copy.ts";
import { keepMemberExports } from "./member-exports.ts";
import { startNextJobs } from "./start-next-jobs.ts";

const HOUR_MS = 3_600_000;

/** The most characters of a name in a message. */
const NAME_CHARS_MAX = 100;

/**
 * Completes a fleet, starts the next job in the queue, and returns the fleet's view. Errors: `run-superseded`, unless
 * this run has already completed it; `fleet-members-failed` if any failed and the request forbids it, or if
 * none has a dump.
 */
export async function completeFleet(context: JobsContext, run: RunId): Promise<FleetView> {
  const { sql, storage, env } = context;
  const { jobId } = run;
  const job = getJobOfKind(sql, jobId, "fleet");
  if (job.state !== "completed" || job.run !== run.run) {
    getJobOfRun(sql, run);
    requireEnough(sql, job);
    storage.transactionSync(() => {
      const nowMs = Date.now();
      const expiresAtMs = nowMs + parseFleetRequest(job).retentionHours * HOUR_MS;
      recordExpiry(sql, jobId, expiresAtMs);
      keepMemberExports(sql, jobId, expiresAtMs);
      recordFleetState(sql, job, {});
      moveJobIf(sql, { jobId, to: "completed", nowMs });
      deleteUnfinished(sql, jobId);
      countStep(sql, jobId, countManifestOperations(env, job));
    });
  }
  await startNextJobs(context);
  return toFleetView(sql, getJobOfKind(sql, jobId, "fleet"));
}

/** Errors: `fleet-members-failed`. */
function requireEnough(sql: SqlStorage, job: JobRow): void {
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
