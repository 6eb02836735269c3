import { listCopies } from "../tables/copy-rows.ts";
import { findMemberExport, listMemberExports } from "../tables/fleet-export-rows.ts";
import {
  listOpenRestores,
  parseRestoreRequest,
  parseRestoreState,
} from "../tables/job-restore-columns.ts";
import { findJob, type JobRow } from "../tables/job-rows.ts";

/**
 * Returns a restore that reads a file of an export or a fleet, or may need it to undo what it does; undefined if none
 * does.
 */
export function findReadingRestore(sql: SqlStorage, jobId: string): JobRow | undefined {
  return listOpenRestores(sql).find((restore) => {
    const { from } = parseRestoreRequest(restore);
    const isRead =
      ("jobId" in from && from.jobId === jobId) || ("fleetId" in from && from.fleetId === jobId);
    // The member of a fleet may have an export of its own.
    const isMember =
      "fleetId" in from &&
      findMemberExport(sql, from.fleetId, from.name ?? from.id ?? "")?.export_id === jobId;
    return isRead || isMember || parseRestoreState(restore).safetyJobId === jobId;
  });
}

/** True while a restore or a download needs the files of an ended job, or an instance is copying them. */
export function isInUse(sql: SqlStorage, job: JobRow, nowMs: number): boolean {
  return (
    (job.read_until_ms ?? 0) > nowMs ||
    isBeingCopied(sql, job, nowMs) ||
    findReadingRestore(sql, job.job_id) !== undefined
  );
}

/**
 * True while something needs the files of an ended job, or those of the exports of a fleet's members, or if a copy of
 * them will be tried again.
 */
export function areFilesNeeded(sql: SqlStorage, job: JobRow, nowMs: number): boolean {
  if (hasUnsettledCopy(sql, job.job_id) || isInUse(sql, job, nowMs)) return true;
  if (job.kind !== "fleet") return false;
  const all = { from: "", limit: Number.MAX_SAFE_INTEGER };
  return listMemberExports(sql, job.job_id, all).some(({ export_id: exportId }) => {
    const exported = exportId === null ? undefined : findJob(sql, exportId);
    return exported !== undefined && areFilesNeeded(sql, exported, nowMs);
  });
}

function hasUnsettledCopy(sql: SqlStorage, jobId: string): boolean {
  return listCopies(sql, jobId).some(({ state }) => state === "pending" || state === "retrying");
}

function isBeingCopied(sql: SqlStorage, job: JobRow, nowMs: number): boolean {
  if ((job.copying_due_at_ms ?? 0) <= nowMs) return false;
  return listCopies(sql, job.job_id).some(({ state }) => state === "pending");
}
