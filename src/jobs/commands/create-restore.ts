import { ExportError } from "../../api/errors.ts";
import type { RestoreView } from "../../api/restore-view.ts";
import type { NewRestore } from "../../rpc/restore-jobs.ts";
import type { JobsContext } from "../jobs-context.ts";
import { insertRestore } from "../tables/job-restore-columns.ts";
import { enqueueJob } from "../tables/job-queue-columns.ts";
import { findJobByKey, getJob, type JobRow } from "../tables/job-rows.ts";
import { toRestoreView } from "../views/restore-view.ts";
import { requireUnlocked } from "./require-unlocked.ts";
import { scheduleWatchdog } from "./schedule-watchdog.ts";
import { canStartJob, startNewJob } from "./start-next-jobs.ts";

/**
 * Records a restore and starts its first run, as `createJob` does for exports. Errors: `export-already-running`,
 * `restore-already-running`, `idempotency-key-reused`, `target-not-empty`.
 */
export async function createRestore(
  context: JobsContext,
  restore: NewRestore,
): Promise<{ view: RestoreView; replayed: boolean }> {
  const { sql, storage } = context;
  const known = storage.transactionSync(() => insertOrFind(context, restore));
  if (known !== undefined) return { view: toRestoreView(sql, known), replayed: true };
  await scheduleWatchdog(context);
  await startNewJob(context, restore.jobId);
  return { view: toRestoreView(sql, getJob(sql, restore.jobId)), replayed: false };
}

/** Returns the restore that a key started; null if it started none. Errors: `idempotency-key-reused`. */
export function findRestoreByKey(
  sql: SqlStorage,
  key: { idempotencyKey: string; requestDigest: string },
): RestoreView | null {
  const known = findKnown(sql, key);
  return known === undefined ? null : toRestoreView(sql, known);
}

function findKnown(
  sql: SqlStorage,
  { idempotencyKey, requestDigest }: { idempotencyKey: string; requestDigest: string },
): JobRow | undefined {
  const known = findJobByKey(sql, idempotencyKey);
  if (known === undefined) return undefined;
  if (known.kind === "restore" && known.request_digest === requestDigest) return known;
  const message = "this Idempotency-Key was sent with another request";
  throw new ExportError("idempotency-key-reused", message, { details: { jobId: known.job_id } });
}

/** Inserts a restore, or returns the restore that its key already created. */
function insertOrFind(context: JobsContext, restore: NewRestore): JobRow | undefined {
  const { sql } = context;
  const { idempotencyKey, requestDigest, databaseKey, request, filledTable, nowMs } = restore;
  const known =
    idempotencyKey === null ? undefined : findKnown(sql, { idempotencyKey, requestDigest });
  if (known !== undefined) return known;
  requireUnlocked(sql, { databaseKey, source: request.target, nowMs });
  if (filledTable !== null) {
    const message = `the target has ${JSON.stringify(filledTable)}, which is not empty`;
    throw new ExportError("target-not-empty", message);
  }
  const starts = canStartJob(context);
  insertRestore(sql, restore);
  if (!starts) enqueueJob(sql, restore.jobId);
  return undefined;
}
