import type { RunId } from "../../rpc/run-payload.ts";
import { getJobOfRun } from "../tables/job-rows.ts";
import { recordBeat } from "../tables/job-run-columns.ts";

/** Records that a run is working. Errors: `run-superseded`. */
export function beat(sql: SqlStorage, run: RunId): void {
  getJobOfRun(sql, run);
  recordBeat(sql, run.jobId, Date.now());
}
