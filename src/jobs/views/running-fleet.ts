import { readSettings } from "../../config/settings.ts";
import type { ExportEnv } from "../../config/bindings.ts";
import type { FleetLedger, RunningFleet } from "../../rpc/fleet-jobs.ts";
import { listManifestCopies } from "../tables/copy-rows.ts";
import { listFailures } from "../tables/fleet-failure-rows.ts";
import { listMemberExports } from "../tables/fleet-export-rows.ts";
import { listStoredPacks, toPackRecord } from "../tables/fleet-pack-rows.ts";
import { parseFleetRequest, parseFleetState } from "../tables/job-fleet-columns.ts";
import type { JobRow } from "../tables/job-rows.ts";
import { findPackKeys } from "./fleet-files.ts";
import { listFleetWarnings } from "./fleet-warnings.ts";
import { getFolder } from "./job-folder.ts";

/** The most failures in a manifest: a value between objects may have 32 MiB. */
const FAILURES_MAX = 10_000;

/** Returns a fleet as its run needs it. */
export function toRunningFleet(sql: SqlStorage, env: ExportEnv, job: JobRow): RunningFleet {
  return {
    jobId: job.job_id,
    request: parseFleetRequest(job),
    origin: job.origin,
    createdAtMs: job.created_at_ms,
    startedAtMs: job.started_at_ms ?? job.created_at_ms,
    folder: getFolder(job),
    partBytes: job.part_bytes ?? readSettings(env).partBytes,
    state: parseFleetState(job),
    copies: listManifestCopies(sql, job.job_id),
  };
}

/** Returns the data of a fleet's manifest. */
export function getFleetLedger(sql: SqlStorage, env: ExportEnv, job: JobRow): FleetLedger {
  const all = { from: "", limit: Number.MAX_SAFE_INTEGER };
  const { job_id: jobId } = job;
  return {
    fleet: toRunningFleet(sql, env, job),
    packs: listStoredPacks(sql, jobId, all).map((row) => toPackRecord(row, findPackKeys(job, row))),
    exports: listMemberExports(sql, jobId, all).flatMap(({ member, export_id: exportId }) =>
      exportId === null
        ? []
        : [{ member, jobId: exportId, copies: listManifestCopies(sql, exportId) }],
    ),
    failures: listFailures(sql, jobId, { from: "", limit: FAILURES_MAX }),
    warnings: listFleetWarnings(sql, job),
  };
}
