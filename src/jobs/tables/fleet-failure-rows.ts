import type { ErrorCode } from "../../api/error-codes.ts";
import type { FailedMember } from "../../rpc/fleet-jobs.ts";

/** The most characters of a message: a fleet may have 100,000 failures. */
const MESSAGE_LENGTH_MAX = 500;

/** What is read of a row of `tmp_export_fleet_failures`; docs/storage-layout.md describes the columns. */
type FailureRow = { member: string; code: ErrorCode; message: string };

/** Inserts the failure of a member, in place of an earlier one. */
export function insertFailure(
  sql: SqlStorage,
  jobId: string,
  { member, code, message }: FailedMember,
): void {
  sql.exec(
    `INSERT OR REPLACE INTO tmp_export_fleet_failures (job_id, member, code, message)
     VALUES (?, ?, ?, ?)`,
    jobId,
    member,
    code,
    message.slice(0, MESSAGE_LENGTH_MAX).toWellFormed(),
  );
}

/** Returns the first `limit` failures of a fleet whose names are from `from` to `last`, in order. */
export function listFailures(
  sql: SqlStorage,
  jobId: string,
  { from, last = null, limit }: { from: string; last?: string | null; limit: number },
): FailedMember[] {
  return sql
    .exec<FailureRow>(
      `SELECT member, code, message FROM tmp_export_fleet_failures
       WHERE job_id = ?1 AND member >= ?2 AND (?3 IS NULL OR member <= ?3)
       ORDER BY member LIMIT ?4`,
      jobId,
      from,
      last,
      limit,
    )
    .toArray();
}

export function deleteFailures(sql: SqlStorage, jobId: string): void {
  sql.exec("DELETE FROM tmp_export_fleet_failures WHERE job_id = ?", jobId);
}
