import { ExportError } from "../../api/errors.ts";
import type { RunId } from "../../rpc/run-payload.ts";
import { recordSnapshotId } from "../tables/job-plan-columns.ts";
import { getJobOfRun } from "../tables/job-rows.ts";

/**
 * Records the id of a snapshot before it is opened, so that it can be found even if the opening
 * fails. A snapshot that an earlier attempt may have opened must still be closed, even if this
 * attempt opens none. Errors: `run-superseded`; `try-overtaken` if another attempt has opened one
 * and planned.
 */
export function recordSnapshot(
  sql: SqlStorage,
  run: RunId,
  snapshot: { snapshotId: string; isFrozen: boolean },
): void {
  if (getJobOfRun(sql, run).cursor_json !== null) {
    throw new ExportError("try-overtaken", "another attempt has planned the job in the meantime");
  }
  recordSnapshotId(sql, run.jobId, snapshot);
}
