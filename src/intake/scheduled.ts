import { type ExportEnv, getExportJobs } from "../config/bindings.ts";
import { readSettings } from "../config/settings.ts";
import { unwrap } from "../rpc/outcome.ts";
import { type ErrorCode, ExportError } from "../api/errors.ts";
import { findVerify, type ScheduledExport } from "../api/export-schedule.ts";
import type { JobView } from "../api/job-view.ts";
import { prepareJob } from "./new-job.ts";

/** A tick of a cron trigger. */
export interface Tick {
  /** The trigger's expression. */
  cron: string;
  /** When it was due. A tick that is delivered again has the same time. */
  scheduledTime: number;
}

/**
 * Starts the exports of `EXPORT_SCHEDULE` that are due at a tick. Starts one job per entry, even if the tick is
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
  for (const { cron, proveEvery: runs, ...entry } of due) {
    const keyPrefix = makeKeyPrefix({ ...entry, cron });
    const request = { ...entry, verify: findVerify({ ...entry, proveEvery: runs }) };
    try {
      const job = await prepareJob(config, request, {
        env,
        idempotencyKey: `${keyPrefix}${String(tick.scheduledTime).padStart(TIME_DIGITS, "0")} ${tick.cron}`,
        origin: config.publicUrl ?? "",
        nowMs: Date.now(),
      });
      const proveEvery = runs === undefined ? {} : { proveEvery: { runs, keyPrefix } };
      const { view, replayed } = unwrap(await getExportJobs(env).create({ ...job, ...proveEvery }));
      if (replayed) requireNotFailed(view);
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
function requireNotFailed({ jobId, error }: JobView): void {
  if (error === null) return;
  throw new ExportError(error.code as ErrorCode, `scheduled job ${jobId} failed: ${error.message}`);
}
