import { ExportError } from "../../api/errors.ts";
import { RETENTION_HOURS_MAX } from "../../api/limits.ts";
import { findNamedObject } from "../../api/source-config.ts";
import type { ManifestCopy } from "../../api/copies.ts";
import { listCopyPlaces } from "../../config/copy-places.ts";
import { encodeUtf8, toHex } from "../../lib/bytes.ts";
import type { RunningFleet } from "../../rpc/fleet-jobs.ts";
import type { NewJob } from "../../rpc/http-jobs.ts";
import type { CopyPlan } from "../../rpc/run-jobs.ts";
import { toReadableFolder } from "../../rpc/readable-key.ts";
import { unwrap } from "../../rpc/outcome.ts";
import { getPollDelayMs } from "../engine/poll-delay.ts";
import type { DatabaseName, RunContext } from "../engine/run-context.ts";
import { findKey, nameDatabase } from "./batch-step.ts";

/** How many exports of large members run at once: they do not queue, because the fleet waits for them. */
const EXPORTS_AT_ONCE = 4;

/** How much longer an export is kept than the fleet: it ends first, and the fleet then sets its time. */
const LONGER_HOURS = 168;

/** What a step "export large members <n>" reports to the dashboard. */
export interface ExportsReport {
  running: number;
  /** How many exports the step has started, or tried to start. */
  begun: number;
  isDone: boolean;
  /** What must be copied, once the step is the last one. */
  copies: CopyPlan;
  /** How long the run waits before the next step of this kind. */
  waitMs: number;
}

/**
 * Records which exports of large members have ended, and starts the next ones. A member whose database is locked waits
 * for another step. `number` counts the steps of a run from 1. Repeating it is harmless. Errors:
 * `fleet-members-failed`.
 */
export async function exportsStep(context: RunContext, number: number): Promise<ExportsReport> {
  const { jobs, runId, config } = context;
  const fleet = unwrap(await jobs.beginFleetRun(runId));
  const settled = unwrap(await jobs.settleExports(runId, EXPORTS_AT_ONCE));
  const { running, waiting, copies } = settled;
  const begun = waiting.slice(0, Math.max(0, EXPORTS_AT_ONCE - running));
  for (const member of begun) await startExport(context, fleet, member);
  return {
    running,
    begun: begun.length,
    isDone: running + waiting.length === 0,
    copies,
    waitMs: getPollDelayMs(number, config.stallMs),
  };
}

async function startExport(
  context: RunContext,
  fleet: RunningFleet,
  member: string,
): Promise<void> {
  const { jobs, runId } = context;
  let job: NewJob;
  try {
    job = await prepareExport(context, fleet, member);
  } catch (error) {
    if (!(error instanceof ExportError)) throw error;
    const { code, message } = error;
    unwrap(await jobs.failMemberExport(runId, { member, code, message }));
    return;
  }
  unwrap(await jobs.startMemberExport(runId, member, job));
}

async function prepareExport(
  context: RunContext,
  fleet: RunningFleet,
  member: string,
): Promise<NewJob> {
  const { request, origin, state } = fleet;
  const { compression, consistency, content, tables, mask, copyTo, copyRequired, retentionHours } =
    request;
  const database = nameDatabase(fleet, state.list?.namedBy ?? "name", member);
  const jobId = crypto.randomUUID();
  const nowMs = Date.now();
  const copies = listExportCopies(context, fleet, { ...database, jobId, nowMs });
  const digest = await crypto.subtle.digest("SHA-256", encodeUtf8(jobId));
  return {
    jobId,
    request: {
      ...database,
      format: "sql",
      compression,
      consistency,
      content,
      ...(tables !== undefined && { tables }),
      ...(mask !== undefined && { mask }),
      ...(copyTo !== undefined && { copyTo }),
      ...(copyRequired !== undefined && { copyRequired }),
      retentionHours: Math.min(RETENTION_HOURS_MAX, retentionHours + LONGER_HOURS),
    },
    copies,
    databaseKey: findKey(context, database),
    requestDigest: toHex(new Uint8Array(digest)),
    idempotencyKey: null,
    origin,
    nowMs,
    startsAtOnce: true,
  };
}

/** The copies of an export have its own folder, as if it were requested by itself, and are sealed if the fleet's are. */
function listExportCopies(
  { config }: RunContext,
  { request, copies }: RunningFleet,
  { jobId, nowMs, ...database }: DatabaseName & { jobId: string; nowMs: number },
): ManifestCopy[] {
  const object = findNamedObject(database);
  const folder = toReadableFolder({ jobId, source: request.source, object, createdAtMs: nowMs });
  const places = listCopyPlaces(config, request.copyTo ?? [], folder);
  const isSealed = (destination: string): boolean =>
    copies.some((copy) => copy.destination === destination && copy.sealed);
  return places.map((place) => ({ ...place, sealed: place.sealed || isSealed(place.destination) }));
}
