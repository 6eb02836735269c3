import { type ExportEnv, getExportJobs } from "../config/bindings.ts";
import { readSettings } from "../config/settings.ts";
import { unwrap } from "../rpc/outcome.ts";
import type { ErrorCode } from "../api/error-codes.ts";
import { ExportError } from "../api/errors.ts";
import {
  findVerify,
  isFleetEntry,
  type ScheduledExport,
  type ScheduledFleet,
} from "../api/export-schedule.ts";
import type { JobView } from "../api/job-view.ts";
import { prepareFleet } from "./new-fleet.ts";
import { prepareJob } from "./new-job.ts";

/** A tick of a cron trigger. */
export interface Tick {
  /** The trigger's expression. */
  cron: string;
  /** When it was due. A tick that is delivered again has the same time. */
  scheduledTime: number;
}

/**
 * Starts the exports and fleets of `EXPORT_SCHEDULE` that are due at a tick. Starts one job per entry, even if the tick is
 * delivered several times. If a source is still being exported, its entry is skipped with a line in the log, and
 * the others still start. Errors: `configuration-invalid`. After all entries, it throws the errors of jobs that
 * could not start, and of this tick's jobs that have failed since.
 */
export async function startScheduledExports(env: ExportEnv, tick: Tick): Promise<void> {
  const config = readSettings(env);
  const due = config.schedule.filter(
    (entry) => entry.cron === undefined || entry.cron === tick.cron,
  );
  const failures: unknown[] = [];
  for (const entry of due) {
    try {
      if (isFleetEntry(entry)) await startFleet(env, { entry, tick });
      else await startExport(env, { entry, tick });
    } catch (error) {
      if (error instanceof ExportError && error.code === "export-already-running") {
        console.warn({ message: `scheduled export skipped: ${error.message}`, cron: tick.cron });
      } else {
        failures.push(error);
      }
    }
  }
  if (failures.length > 0) throw failures[0];
}

type Due<Entry> = { entry: Entry; tick: Tick };

async function startExport(env: ExportEnv, { entry, tick }: Due<ScheduledExport>): Promise<void> {
  const { cron: _cron, proveEvery: runs, fleet: _fleet, ...rest } = entry;
  const keyPrefix = makeKeyPrefix(entry);
  const request = { ...rest, verify: findVerify(entry) };
  const job = await prepareJob(readSettings(env), request, receive(env, keyPrefix, tick));
  const proveEvery = runs === undefined ? {} : { proveEvery: { runs, keyPrefix } };
  const { view, replayed } = unwrap(await getExportJobs(env).create({ ...job, ...proveEvery }));
  if (replayed) requireNotFailed(view.jobId, view);
}

async function startFleet(env: ExportEnv, { entry, tick }: Due<ScheduledFleet>): Promise<void> {
  const { cron, fleet: _, ...request } = entry;
  const entryName = [request.source, cron ?? ""].map(encodeURIComponent).join("/");
  const received = receive(env, `schedule fleet ${entryName} `, tick);
  const fleet = await prepareFleet(readSettings(env), request, received);
  const { view, replayed } = unwrap(await getExportJobs(env).createFleet(fleet));
  if (replayed) requireNotFailed(view.fleetId, view);
}

/** A tick that is delivered again has the same key. */
function receive(
  env: ExportEnv,
  keyPrefix: string,
  { scheduledTime, cron }: Tick,
): { env: ExportEnv; idempotencyKey: string; origin: string; nowMs: number } {
  return {
    env,
    idempotencyKey: `${keyPrefix}${String(scheduledTime).padStart(TIME_DIGITS, "0")} ${cron}`,
    origin: readSettings(env).publicUrl ?? "",
    nowMs: Date.now(),
  };
}

/** The keys of an entry's jobs sort by time. */
const TIME_DIGITS = 15;

/** The beginning of the keys of an entry's jobs; no other entry's keys begin with it. */
function makeKeyPrefix({ source, name, id, cron }: ScheduledExport): string {
  const entry = [source, name ?? id ?? "", cron ?? ""].map(encodeURIComponent).join("/");
  return `schedule ${entry} `;
}

/**
 * When a tick is delivered again, a job that has failed in the meantime must not count as a
 * success.
 */
function requireNotFailed(jobId: string, { error }: Pick<JobView, "error">): void {
  if (error === null) return;
  throw new ExportError(error.code as ErrorCode, `scheduled job ${jobId} failed: ${error.message}`);
}
