import type { RunPayload } from "../../rpc/run-payload.ts";
import type { JobsContext } from "../jobs-context.ts";
import { moveCopies } from "../tables/copy-rows.ts";
import { COPYINGS_MAX, recordCopying, recordCopyingDue } from "../tables/job-copying-columns.ts";
import type { JobRow } from "../tables/job-rows.ts";

/**
 * Starts an instance that tries a completed job's copies again. After about a week of attempts the
 * copies are abandoned. If the instance cannot be started, or ends without a word, the next one
 * follows.
 */
export async function startCopying({ sql, storage, env }: JobsContext, job: JobRow): Promise<void> {
  const { job_id: jobId, run } = job;
  const copying = job.copyings + 1;
  const isOver = copying > COPYINGS_MAX;
  storage.transactionSync(() => {
    if (isOver) {
      moveCopies(sql, jobId, { from: ["pending", "retrying"], to: "failed" });
      recordCopyingDue(sql, jobId, null);
    } else {
      moveCopies(sql, jobId, { from: ["retrying"], to: "pending" });
      recordCopying(sql, jobId, { copyings: copying, nowMs: Date.now() });
    }
  });
  if (isOver) return;
  const params: RunPayload = { kind: "copying", jobId, run, copying };
  await env.EXPORT_WORKFLOW.create({ id: `${jobId}-copy-${copying}`, params });
}
