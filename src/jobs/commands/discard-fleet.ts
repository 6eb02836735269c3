import type { BatchAttempt } from "../../rpc/fleet-jobs.ts";
import { toMemberListKey } from "../../rpc/object-key.ts";
import { insertDiscard } from "../tables/discard-rows.ts";
import { deleteFailures } from "../tables/fleet-failure-rows.ts";
import { deleteMemberExports } from "../tables/fleet-export-rows.ts";
import { deletePacks, listAllPacks, type PackRow } from "../tables/fleet-pack-rows.ts";
import { parseFleetState } from "../tables/job-fleet-columns.ts";
import type { JobRow } from "../tables/job-rows.ts";
import { findPackKeys } from "../views/fleet-files.ts";
import { getFolder } from "../views/job-folder.ts";

/**
 * Discards the lists and packs of a fleet, those of attempts included. Does nothing for other jobs. Call it inside the
 * transaction in which the fleet ends without its files. `discardFiles` discards the manifest.
 */
export function discardFleetFiles(sql: SqlStorage, job: JobRow, nowMs: number): void {
  if (job.kind !== "fleet") return;
  for (const pack of listAllPacks(sql, job.job_id)) discardPack(sql, job, pack, nowMs);
  discardLists(sql, job, parseFleetState(job).listAttempts, nowMs);
  deletePacks(sql, job.job_id);
}

/** Discards a pack with its index. */
export function discardPack(
  sql: SqlStorage,
  job: JobRow,
  pack: BatchAttempt & Pick<PackRow, "upload_id" | "sha256">,
  nowMs: number,
): void {
  const { pack: packKey, index } = findPackKeys(job, pack);
  const { job_id: jobId } = job;
  const uploadId = pack.sha256 === null ? pack.upload_id : "";
  insertDiscard(sql, { objectKey: packKey, uploadId }, { jobId, nowMs });
  insertDiscard(sql, { objectKey: index, uploadId: "" }, { jobId, nowMs });
}

/** Discards the lists of members that attempts may have stored. */
export function discardLists(
  sql: SqlStorage,
  job: JobRow,
  attempts: readonly string[],
  nowMs: number,
): void {
  for (const attempt of attempts) {
    const objectKey = toMemberListKey({ folder: getFolder(job), attempt });
    insertDiscard(sql, { objectKey, uploadId: "" }, { jobId: job.job_id, nowMs });
  }
}

/** Deletes what a fleet knows about its members. */
export function deleteMemberRows(sql: SqlStorage, jobId: string): void {
  deletePacks(sql, jobId);
  deleteFailures(sql, jobId);
  deleteMemberExports(sql, jobId);
}
