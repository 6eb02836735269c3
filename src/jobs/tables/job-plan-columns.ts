import { addWarnings, boundWarnings } from "./bound-warnings.ts";
import type { ChunkCommit } from "../../rpc/chunk-commit.ts";
import type { PlanRecord } from "../../rpc/plan-record.ts";
import { type JobRow, type JobTotals, parseWarnings, SNAPSHOT_TABLES_LEFT } from "./job-rows.ts";

/*
 * The columns of `tmp_export_jobs` that hold a job's snapshot and plan, and how far it is: `snapshot_id`,
 * `snapshot_at_ms`, `snapshot_json`, `snapshot_open`, `folder`, `catalog_digest`, `plan_digest`, `writer_json`, `checkpoint`,
 * `cursor_json`, `next_table`, `restarts`, `corrupt_restarts`, `started_over`, `warnings_json`,
 * `totals_json`, `usage_rows_read`, `usage_rows_written`.
 */

/**
 * Records a snapshot's id before it is opened. If nothing is frozen, `snapshot_open` stays the
 * same.
 */
export function recordSnapshotId(
  sql: SqlStorage,
  jobId: string,
  { snapshotId, isFrozen }: { snapshotId: string; isFrozen: boolean },
): void {
  sql.exec(
    "UPDATE tmp_export_jobs SET snapshot_id = ?, snapshot_open = iif(?, 1, snapshot_open) WHERE job_id = ?",
    snapshotId,
    isFrozen ? 1 : 0,
    jobId,
  );
}

/**
 * Records that a snapshot's triggers are gone from its source, and its tables too, except for
 * `tablesLeft` empty ones. Nothing changes if the job has opened another snapshot.
 */
export function recordClosed(
  sql: SqlStorage,
  jobId: string,
  { snapshotId, tablesLeft }: { snapshotId: string; tablesLeft: number },
): void {
  sql.exec(
    "UPDATE tmp_export_jobs SET snapshot_open = ? WHERE job_id = ? AND snapshot_id = ?",
    tablesLeft > 0 ? SNAPSHOT_TABLES_LEFT : 0,
    jobId,
    snapshotId,
  );
}

/** Writes a plan, the folder of its files, and its first checkpoint. */
export function writePlan(
  sql: SqlStorage,
  plan: PlanRecord & { folder: string | null },
  nowMs: number,
): void {
  sql.exec(
    `UPDATE tmp_export_jobs SET snapshot_id = ?, snapshot_at_ms = ?, snapshot_json = ?, folder = ?,
       catalog_digest = ?, plan_digest = ?, writer_json = ?, checkpoint = checkpoint + 1, cursor_json = ?, next_table = ?,
       warnings_json = ?, heartbeat_at_ms = ?, usage_rows_read = usage_rows_read + ?,
       usage_rows_written = usage_rows_written + ?
     WHERE job_id = ?`,
    plan.snapshotId,
    plan.snapshotAtMs,
    plan.snapshot === null ? null : JSON.stringify(plan.snapshot),
    plan.folder,
    plan.catalogDigest,
    plan.planDigest,
    plan.writer === undefined ? null : JSON.stringify(plan.writer),
    JSON.stringify(plan.cursor),
    plan.firstTable,
    JSON.stringify(boundWarnings(plan.warnings)),
    nowMs,
    plan.usage.rowsRead,
    plan.usage.rowsWritten,
    plan.jobId,
  );
}

/** Removes a job's plan, and counts the restart. `opening` is the one that ends with it. */
export function voidPlan(
  sql: SqlStorage,
  jobId: string,
  restart: { opening: number; warning: string; isCorrupt: boolean },
): void {
  sql.exec(
    `UPDATE tmp_export_jobs SET cursor_json = NULL, checkpoint = checkpoint + 1,
       restarts = restarts + 1, corrupt_restarts = corrupt_restarts + ?, started_over = ?,
       part_bytes = NULL, warnings_json = json_array(?)
     WHERE job_id = ?`,
    restart.isCorrupt ? 1 : 0,
    restart.opening,
    boundWarnings([restart.warning])[0] ?? "",
    jobId,
  );
}

/** Moves a job to checkpoint `number`, which `commit` ends with; counts the step. */
export function moveCheckpoint(
  sql: SqlStorage,
  job: JobRow,
  { commit, number, nowMs }: { commit: ChunkCommit; number: number; nowMs: number },
): void {
  sql.exec(
    `UPDATE tmp_export_jobs SET checkpoint = ?, cursor_json = ?, next_table = ?,
       usage_rows_read = usage_rows_read + ?, usage_rows_written = usage_rows_written + ?,
       usage_r2_class_a = usage_r2_class_a + ?, usage_steps = usage_steps + 1,
       heartbeat_at_ms = ?, warnings_json = ?
     WHERE job_id = ?`,
    number,
    JSON.stringify(commit.cursor),
    commit.nextTable,
    commit.usage.rowsRead,
    commit.usage.rowsWritten,
    commit.usage.r2ClassAOperations,
    nowMs,
    JSON.stringify(addWarnings(parseWarnings(job), commit.warnings ?? [])),
    job.job_id,
  );
}

/** Records what remains of a job's tables and artifacts after their rows: the sums, and all warnings. */
export function recordTotals(
  sql: SqlStorage,
  job: JobRow,
  { totals, warnings }: { totals: JobTotals; warnings: readonly string[] },
): void {
  sql.exec(
    "UPDATE tmp_export_jobs SET totals_json = ?, warnings_json = ? WHERE job_id = ?",
    JSON.stringify(totals),
    JSON.stringify(addWarnings(parseWarnings(job), warnings)),
    job.job_id,
  );
}
