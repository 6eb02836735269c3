import { readSettings } from "../../config/settings.ts";
import type { RunStart } from "../../rpc/run-payload.ts";
import type { JobsContext } from "../jobs-context.ts";
import { getJobOfRun, type JobRow, moveJobIf } from "../tables/job-rows.ts";
import { recordPartBytesIf } from "../tables/job-run-columns.ts";
import { handOverIf } from "./hand-over.ts";

/**
 * Moves a run's job to `running` and returns it. The job's parts keep the size with which it
 * starts: a deployment that changes EXPORT_PART_BYTES must not break an upload. Errors:
 * `run-superseded`.
 */
export function beginRun({ sql, storage, env }: JobsContext, run: RunStart): JobRow {
  return storage.transactionSync(() => {
    const nowMs = Date.now();
    // The watchdog may have died after it created this run's instance and before it moved the row.
    handOverIf(sql, run, nowMs);
    getJobOfRun(sql, run);
    recordPartBytesIf(sql, run.jobId, readSettings(env).partBytes);
    moveJobIf(sql, { jobId: run.jobId, to: "running", nowMs });
    return getJobOfRun(sql, run);
  });
}
