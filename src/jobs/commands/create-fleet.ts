import { ExportError } from "../../api/errors.ts";
import type { FleetView } from "../../api/fleet-view.ts";
import type { NewFleet } from "../../rpc/fleet-jobs.ts";
import type { JobsContext } from "../jobs-context.ts";
import { requireSpaceForFiles } from "../require-space.ts";
import { insertCopies } from "../tables/copy-rows.ts";
import { insertFleet, toFleetLock } from "../tables/job-fleet-columns.ts";
import { enqueueJob } from "../tables/job-queue-columns.ts";
import { recordSeries } from "../tables/job-series-columns.ts";
import {
  findActiveJob,
  findJobByKey,
  freeKey,
  getJob,
  type JobRow,
  parseFailure,
} from "../tables/job-rows.ts";
import { toFleetView } from "../views/fleet-view.ts";
import { chooseFolder } from "./choose-folder.ts";
import { placeCopies } from "./place-copies.ts";
import { scheduleWatchdog } from "./schedule-watchdog.ts";
import { canStartJob, startNewJob } from "./start-next-jobs.ts";

/**
 * Records a fleet and starts its first run, as `createJob` does for exports. Errors: `export-already-running`,
 * `idempotency-key-reused`, `inline-storage-full`.
 */
export async function createFleet(
  context: JobsContext,
  fleet: NewFleet,
): Promise<{ view: FleetView; replayed: boolean }> {
  const { sql, storage } = context;
  const known = storage.transactionSync(() => insertOrFind(context, fleet));
  if (known !== undefined) return { view: toFleetView(sql, known), replayed: true };
  await scheduleWatchdog(context);
  await startNewJob(context, fleet.jobId);
  return { view: toFleetView(sql, getJob(sql, fleet.jobId)), replayed: false };
}

/** Inserts a fleet, or returns the fleet that its key has already created. */
function insertOrFind(context: JobsContext, fleet: NewFleet): JobRow | undefined {
  const { sql } = context;
  const known = findStarted(sql, fleet.idempotencyKey);
  if (known !== undefined) {
    if (known.kind === "fleet" && known.request_digest === fleet.requestDigest) return known;
    throw new ExportError(
      "idempotency-key-reused",
      "this Idempotency-Key was sent with another request",
      { details: { jobId: known.job_id } },
    );
  }
  requireNoFleet(sql, fleet.request.source);
  // Without any space, the fleet would fail at its first commit.
  requireSpaceForFiles(context, 1);
  const starts = canStartJob(context);
  const { jobId, nowMs } = fleet;
  const named = { jobId, source: fleet.request.source, object: null, createdAtMs: nowMs };
  insertFleet(sql, fleet, chooseFolder(context, named, 1));
  insertCopies(sql, fleet.jobId, placeCopies(sql, fleet));
  const { source, series: name } = fleet.request;
  if (name !== undefined) recordSeries(sql, jobId, { databaseKey: toFleetLock(source), name });
  if (!starts) enqueueJob(sql, fleet.jobId);
  return undefined;
}

/** As for exports, a fleet that no run has worked on frees its key. */
function findStarted(sql: SqlStorage, idempotencyKey: string | null): JobRow | undefined {
  const job = idempotencyKey === null ? undefined : findJobByKey(sql, idempotencyKey);
  if (job === undefined || parseFailure(job)?.code !== "workflow-not-started") return job;
  freeKey(sql, job.job_id);
  return undefined;
}

/** Errors: `export-already-running` if a fleet of the source runs. */
function requireNoFleet(sql: SqlStorage, source: string): void {
  const running = findActiveJob(sql, toFleetLock(source));
  if (running === undefined) return;
  throw new ExportError(
    "export-already-running",
    `source ${JSON.stringify(source)} is being backed up by fleet ${running.job_id}`,
    { details: { fleetId: running.job_id } },
  );
}
