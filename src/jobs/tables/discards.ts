import { manifestKeyOf } from "../../rpc/object-key.ts";
import { dropCarry } from "./carry.ts";
import { dropLeftBytes, forgetObjects } from "../../storage/inline/inline-objects.ts";
import { openOuterFiles } from "../../storage/open-artifact-store.ts";
import type { JobRow } from "./job-rows.ts";
import type { JobsContext } from "../jobs-context.ts";
import { dropTurn } from "./kept-turn.ts";

/**
 * How long what was discarded is kept in mind after its first removal: a try that was killed may still
 * send.
 */
const LATE_MS = 60_000;

/**
 * Gives up everything that a job has in the store, for one that ends without its files, begins again,
 * expires or is deleted; to be called inside the transaction in which it does. `removeDiscards` then
 * removes it, and the watchdog does again, a minute later.
 */
export function discardFiles(
  sql: SqlStorage,
  job: Pick<JobRow, "job_id" | "snapshot_id">,
  nowMs: number,
): void {
  const { job_id: jobId, snapshot_id: snapshotId } = job;
  const into =
    "INSERT OR IGNORE INTO tmp_export_job_discards (job_id, object_key, upload_id, discarded_at_ms)";
  sql.exec(
    `${into} SELECT job_id, object_key,
       iif(state IN ('uploading', 'written'), coalesce(upload_id, ''), ''), ?
     FROM tmp_export_job_artifacts WHERE job_id = ?`,
    nowMs,
    jobId,
  );
  if (snapshotId !== null) {
    sql.exec(`${into} VALUES (?, ?, '', ?)`, jobId, manifestKeyOf({ jobId, snapshotId }), nowMs);
  }
  forgetObjects(sql, jobId);
  dropCarry(sql, jobId);
  dropTurn(sql, jobId);
}

/** Removes from the store what a job has discarded. May be repeated. Errors: `storage-unavailable`. */
export async function removeDiscards(context: JobsContext, jobId: string): Promise<void> {
  const { sql, env } = context;
  await dropLeftBytes(sql, jobId);
  const outer = openOuterFiles(env);
  const discards = sql
    .exec<{ object_key: string; upload_id: string }>(
      "SELECT object_key, upload_id FROM tmp_export_job_discards WHERE job_id = ?",
      jobId,
    )
    .toArray();
  for (const { object_key: key, upload_id: uploadId } of discards) {
    if (uploadId !== "") await outer.abortUpload({ key, uploadId });
  }
  await outer.delete(discards.map((discard) => discard.object_key));
}

/** Removes what a job has just discarded; what resists is left to the watchdog. */
export async function removeDiscardsNow(context: JobsContext, jobId: string): Promise<void> {
  await removeDiscards(context, jobId).catch((cause: unknown) => {
    console.warn({ message: "files not removed yet", jobId, cause: String(cause) });
  });
}

/** Jobs whose discards are to be removed for the last time; at most `limit`, the longest due first. */
export function listDiscardingJobs(
  sql: SqlStorage,
  of: { nowMs: number; limit: number },
): string[] {
  return sql
    .exec<{ job_id: string }>(
      `SELECT job_id FROM tmp_export_job_discards WHERE discarded_at_ms <= ?
       GROUP BY job_id ORDER BY min(discarded_at_ms) LIMIT ?`,
      of.nowMs - LATE_MS,
      of.limit,
    )
    .toArray()
    .map((row) => row.job_id);
}

/** When the first discards are due to be removed for the last time; null if there are none. */
export function firstDiscardMs(sql: SqlStorage): number | null {
  const first = sql
    .exec<{ first: number | null }>(
      "SELECT min(discarded_at_ms) AS first FROM tmp_export_job_discards",
    )
    .one().first;
  return first === null ? null : first + LATE_MS;
}

/** Removes a job's discards, and forgets those that are old enough by `nowMs`; what resists waits a minute. */
export async function endDiscards(
  context: JobsContext,
  { jobId, nowMs }: { jobId: string; nowMs: number },
): Promise<void> {
  const { sql } = context;
  const due = "job_id = ? AND discarded_at_ms <= ?";
  const dueBy = nowMs - LATE_MS;
  try {
    await removeDiscards(context, jobId);
  } catch (cause) {
    // Other jobs' have their turn before it.
    const update = `UPDATE tmp_export_job_discards SET discarded_at_ms = ? WHERE ${due}`;
    sql.exec(update, nowMs, jobId, dueBy);
    throw cause;
  }
  sql.exec(`DELETE FROM tmp_export_job_discards WHERE ${due}`, jobId, dueBy);
}
