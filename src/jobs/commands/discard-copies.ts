import { isActive } from "../../api/job-state.ts";
import { readSettings } from "../../config/settings.ts";
import { withPlanNumber } from "../../rpc/readable-key.ts";
import type { JobsContext } from "../jobs-context.ts";
import { insertCopyDiscard } from "../tables/copy-discard-rows.ts";
import { type CopyRecord, listCopies, recordCopyGone } from "../tables/copy-rows.ts";
import { recordCopyingDue } from "../tables/job-copying-columns.ts";
import type { JobRow } from "../tables/job-rows.ts";
import { listCopiedFiles } from "../views/copies.ts";

/**
 * Discards what a job has at destinations and must not stay: for `restart`, `failure` and a cancel,
 * everything; for the end of its retention and a delete (`removal`), copies that are not whole, and
 * whole ones at destinations that say `prune`. Call it inside the transaction of that change. The
 * watchdog removes the objects, which may take days, so a job that restarts copies into another folder.
 */
export function discardCopies(
  { sql, env }: JobsContext,
  job: JobRow,
  { reason, nowMs }: { reason: "restart" | "failure" | "removal"; nowMs: number },
): void {
  const { job_id: jobId } = job;
  const copies = listCopies(sql, jobId);
  if (copies.length === 0) return;
  const kept = (copy: CopyRecord): boolean =>
    copy.state === "deleted" ||
    (reason === "removal" && copy.state === "copied" && !isPruned(env, copy.destination));
  for (const copy of copies.filter((each) => !kept(each))) {
    discardCopy(sql, job, { copy, nowMs });
    const { destination, folder } = copy;
    if (reason === "restart" && isActive(job.state)) {
      // The restart is not counted yet.
      const next = withPlanNumber(folder, { jobId, number: job.restarts + 2 });
      recordCopyGone(sql, jobId, { destination, folder: next, to: "pending" });
    } else {
      const to = copy.state === "copied" ? "deleted" : "failed";
      recordCopyGone(sql, jobId, { destination, folder, to });
    }
  }
  recordCopyingDue(sql, jobId, null);
}

/** Lists all files, because an attempt may have written some that were not committed. */
function discardCopy(
  sql: SqlStorage,
  job: JobRow,
  { copy, nowMs }: { copy: CopyRecord; nowMs: number },
): void {
  const { destination, folder, filesDone, upload } = copy;
  const by = { jobId: job.job_id, origin: job.origin, nowMs };
  for (const [at, { copyName }] of listCopiedFiles(sql, job, copy).entries()) {
    const uploadId = at === filesDone && upload !== null ? upload.uploadId : "";
    insertCopyDiscard(sql, { destination, objectKey: `${folder}${copyName}`, uploadId }, by);
  }
}

/** False if the settings are invalid: a copy that stays can still be deleted later. */
function isPruned(env: JobsContext["env"], destination: string): boolean {
  try {
    const { destinations } = readSettings(env);
    return Object.hasOwn(destinations, destination) && destinations[destination]?.prune === true;
  } catch {
    return false;
  }
}
