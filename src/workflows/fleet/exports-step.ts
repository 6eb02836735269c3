import { ExportError } from "../../api/errors.ts";
import { RETENTION_HOURS_MAX } from "../../api/limits.ts";
import { encodeUtf8, toHex } from "../../lib/bytes.ts";
import type { RunningFleet } from "../../rpc/fleet-jobs.ts";
import type { NewJob } from "../../rpc/http-jobs.ts";
import { unwrap } from "../../rpc/outcome.ts";
import { getPollDelayMs } from "../engine/poll-delay.ts";
import type { RunContext } from "../engine/run-context.ts";
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
  /** How long the run waits before the next step of this kind. */
  waitMs: number;
}

/**
 * Records which exports of large members have ended, and starts the next ones. A member whose database is locked waits
 * for another step. `number` counts the steps of a run from 1. Repeating it is harmless.
 */
export async function exportsStep(context: RunContext, number: number): Promise<ExportsReport> {
  const { jobs, runId, config } = context;
  const fleet = unwrap(await jobs.beginFleetRun(runId));
  const { running, waiting } = unwrap(await jobs.settleExports(runId, EXPORTS_AT_ONCE));
  const begun = waiting.slice(0, Math.max(0, EXPORTS_AT_ONCE - running));
  for (const member of begun) await startExport(context, fleet, member);
  return {
    running,
    begun: begun.length,
    isDone: running + waiting.length === 0,
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
  const { compression, consistency, content, tables, retentionHours } = request;
  const database = nameDatabase(fleet, state.list?.namedBy ?? "name", member);
  const jobId = crypto.randomUUID();
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
      retentionHours: Math.min(RETENTION_HOURS_MAX, retentionHours + LONGER_HOURS),
    },
    databaseKey: findKey(context, database),
    requestDigest: toHex(new Uint8Array(digest)),
    idempotencyKey: null,
    origin,
    nowMs: Date.now(),
    startsAtOnce: true,
  };
}
