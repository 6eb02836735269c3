import type { ExportState } from "../../rpc/fleet-jobs.ts";

/** A complete row of `tmp_export_fleet_exports`; docs/storage-layout.md describes the columns. */
export type MemberExportRow = {
  job_id: string;
  member: string;
  state: ExportState;
  /** The export job; null while it waits. */
  export_id: string | null;
  /** How often the export could not start because its database was locked. */
  attempts: number;
};

/** Inserts a large member, whose export waits. */
export function insertWaitingExport(sql: SqlStorage, jobId: string, member: string): void {
  sql.exec(
    "INSERT INTO tmp_export_fleet_exports (job_id, member, state) VALUES (?, ?, ?)",
    jobId,
    member,
    "waiting" satisfies ExportState,
  );
}

export function findMemberExport(
  sql: SqlStorage,
  jobId: string,
  member: string,
): MemberExportRow | undefined {
  return sql
    .exec<MemberExportRow>(
      "SELECT * FROM tmp_export_fleet_exports WHERE job_id = ? AND member = ?",
      jobId,
      member,
    )
    .toArray()[0];
}

/** Moves a member's export to a state. `attempts` counts how often it could not start. */
export function moveMemberExport(
  sql: SqlStorage,
  jobId: string,
  moved: { member: string; to: ExportState; exportId: string | null; attempts: number },
): void {
  sql.exec(
    `UPDATE tmp_export_fleet_exports SET state = ?, export_id = ?, attempts = ?
     WHERE job_id = ? AND member = ?`,
    moved.to,
    moved.exportId,
    moved.attempts,
    jobId,
    moved.member,
  );
}

/** Returns at most `limit` exports of a fleet that are in a state: those with the fewest attempts first. */
export function listExportsInState(
  sql: SqlStorage,
  jobId: string,
  { state, limit }: { state: ExportState; limit: number },
): MemberExportRow[] {
  return sql
    .exec<MemberExportRow>(
      `SELECT * FROM tmp_export_fleet_exports WHERE job_id = ? AND state = ?
       ORDER BY attempts, member LIMIT ?`,
      jobId,
      state,
      limit,
    )
    .toArray();
}

/** Returns the first `limit` exports of a fleet whose names are from `from` to `last`, in order. */
export function listMemberExports(
  sql: SqlStorage,
  jobId: string,
  { from, last = null, limit }: { from: string; last?: string | null; limit: number },
): MemberExportRow[] {
  return sql
    .exec<MemberExportRow>(
      `SELECT * FROM tmp_export_fleet_exports WHERE job_id = ?1 AND member >= ?2 AND (?3 IS NULL OR member <= ?3)
       ORDER BY member LIMIT ?4`,
      jobId,
      from,
      last,
      limit,
    )
    .toArray();
}

export function deleteMemberExport(sql: SqlStorage, jobId: string, member: string): void {
  sql.exec("DELETE FROM tmp_export_fleet_exports WHERE job_id = ? AND member = ?", jobId, member);
}

export function deleteMemberExports(sql: SqlStorage, jobId: string): void {
  sql.exec("DELETE FROM tmp_export_fleet_exports WHERE job_id = ?", jobId);
}
