import {
  type ArtifactRecord,
  type ArtifactState,
  type Checkpoint,
  type ChunkCommit,
  type LedgerPiece,
  type NextAction,
  nextActionOf,
  type PlanRecord,
  type StoredPart,
} from "../../rpc/checkpoint.ts";
import type { Cursor } from "../../rpc/cursor.ts";
import { ExportError } from "../../api/errors.ts";
import { addWarnings, boundWarnings } from "./bound-warnings.ts";
import { loadCarry, saveCarry } from "./carry.ts";
import { discardFiles } from "./discards.ts";
import { recordKeyRanges, recordPercent } from "./job-progress.ts";
import { getJobOfRun, type JobRow, listArtifacts, parseWarnings } from "./job-rows.ts";
import { dropTurn, saveTurn } from "./kept-turn.ts";

/**
 * Writes a job's plan in place of any earlier one; everything read before is void. Errors:
 * `run-superseded`; `try-overtaken` for the plan of an opening that another try has replaced.
 */
export function recordPlan(sql: SqlStorage, plan: PlanRecord, nowMs: number): void {
  const job = getJobOfRun(sql, plan);
  if (job.snapshot_id !== plan.snapshotId) {
    throw new ExportError("try-overtaken", "another try has opened the job's snapshot meanwhile");
  }
  deletePlanned(sql, plan.jobId);
  for (const [ordinal, artifact] of plan.artifacts.entries()) {
    sql.exec(
      `INSERT INTO tmp_export_job_artifacts (job_id, ordinal, name, content_type, object_key)
       VALUES (?, ?, ?, ?, ?)`,
      plan.jobId,
      ordinal,
      artifact.name,
      artifact.contentType,
      artifact.objectKey,
    );
  }
  for (const [ordinal, name] of plan.tables.entries()) {
    sql.exec(
      "INSERT INTO tmp_export_job_tables (job_id, ordinal, name) VALUES (?, ?, ?)",
      plan.jobId,
      ordinal,
      name,
    );
  }
  recordKeyRanges(sql, plan.jobId, plan.keyRanges);
  if (plan.turn === undefined) dropTurn(sql, plan.jobId);
  else saveTurn(sql, plan.jobId, plan.turn);
  sql.exec(
    `UPDATE tmp_export_jobs SET snapshot_id = ?, snapshot_at_ms = ?, snapshot_json = ?,
       catalog_digest = ?, plan_digest = ?, checkpoint = checkpoint + 1, cursor_json = ?, next_table = ?,
       warnings_json = ?, heartbeat_at_ms = ?, usage_rows_read = usage_rows_read + ?,
       usage_rows_written = usage_rows_written + ?
     WHERE job_id = ?`,
    plan.snapshotId,
    plan.snapshotAtMs,
    plan.snapshot === null ? null : JSON.stringify(plan.snapshot),
    plan.catalogDigest,
    plan.planDigest,
    JSON.stringify(plan.cursor),
    plan.firstTable,
    JSON.stringify(boundWarnings(plan.warnings)),
    nowMs,
    plan.usage.rowsRead,
    plan.usage.rowsWritten,
    plan.jobId,
  );
}

/**
 * Takes a job back to where it had no plan, for the opening of its run that has ended so; the files of
 * the old plan are discarded.
 */
export function voidPlan(
  sql: SqlStorage,
  job: JobRow,
  by: { opening: number; warning: string; isCorrupt: boolean; nowMs: number },
): void {
  discardFiles(sql, job, by.nowMs);
  deletePlanned(sql, job.job_id);
  sql.exec(
    `UPDATE tmp_export_jobs SET cursor_json = NULL, checkpoint = checkpoint + 1,
       restarts = restarts + 1, corrupt_restarts = corrupt_restarts + ?, started_over = ?,
       part_bytes = NULL, warnings_json = json_array(?)
     WHERE job_id = ?`,
    by.isCorrupt ? 1 : 0,
    by.opening,
    boundWarnings([by.warning])[0] ?? "",
    job.job_id,
  );
}

function deletePlanned(sql: SqlStorage, jobId: string): void {
  for (const table of ["chunks", "artifacts", "tables"]) {
    sql.exec(`DELETE FROM tmp_export_job_${table} WHERE job_id = ?`, jobId);
  }
}

/** The newest checkpoint. Errors: `run-superseded`. */
export function loadCheckpoint(sql: SqlStorage, of: { jobId: string; run: number }): Checkpoint {
  const job = getJobOfRun(sql, of);
  const cursor = cursorOf(job);
  const artifact = listArtifacts(sql, job.job_id, { ordinal: cursor.artifact })[0];
  const total = sql
    .exec<{ bytes: number }>(
      "SELECT coalesce(sum(bytes), 0) AS bytes FROM tmp_export_job_artifacts WHERE job_id = ?",
      job.job_id,
    )
    .one();
  return {
    number: job.checkpoint,
    cursor,
    artifact,
    carry: loadCarry(sql, job.job_id),
    bytes: total.bytes,
    next: nextAction(sql, job),
  };
}

function cursorOf(job: JobRow): Cursor {
  if (job.cursor_json === null) {
    throw new ExportError("internal-error", `job ${job.job_id} has no plan yet`);
  }
  return JSON.parse(job.cursor_json) as Cursor;
}

/** What the Workflow does after the newest checkpoint. */
export function nextAction(sql: SqlStorage, job: JobRow): NextAction {
  const table = job.next_table ?? "";
  const chunks = sql
    .exec<{ chunks: number }>(
      `SELECT count(DISTINCT number) AS chunks FROM tmp_export_job_chunks
       WHERE job_id = ? AND table_name = ?`,
      job.job_id,
      table,
    )
    .one();
  return nextActionOf({
    number: job.checkpoint,
    current: listArtifacts(sql, job.job_id, { ordinal: cursorOf(job).artifact })[0],
    first: listArtifacts(sql, job.job_id, { ordinal: 0 })[0]?.name ?? "",
    written: listArtifacts(sql, job.job_id, { state: "written", limit: 1 })[0],
    table,
    chunksOfTable: chunks.chunks,
  });
}

/**
 * Commits a chunk; to be called inside a transaction. Errors: `run-superseded` where another run has
 * taken over, `try-overtaken` where another checkpoint has come in between; nothing is changed then.
 */
export function commitChunk(sql: SqlStorage, commit: ChunkCommit, nowMs: number): void {
  const job = getJobOfRun(sql, commit);
  if (job.checkpoint !== commit.expectedCheckpoint) {
    throw new ExportError(
      "try-overtaken",
      `job ${commit.jobId} is at checkpoint ${job.checkpoint}, not ${commit.expectedCheckpoint}`,
    );
  }
  const number = job.checkpoint + 1;
  const rows = commit.tables.reduce((sum, table) => sum + table.rows, commit.otherRows ?? 0);
  for (const [at, piece] of commit.pieces.entries()) {
    sql.exec(
      `INSERT INTO tmp_export_job_chunks (job_id, artifact_ordinal, number, table_name,
         first_cursor_json, last_cursor_json, rows, bytes, parts_json, sha256, run, started_at_ms,
         committed_at_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      commit.jobId,
      piece.artifactOrdinal,
      number,
      commit.table,
      job.cursor_json,
      JSON.stringify(commit.cursor),
      // Rows are the chunk's, told once.
      at === 0 ? rows : 0,
      piece.bytes,
      JSON.stringify(piece.parts),
      piece.sha256,
      commit.run,
      commit.startedAtMs,
      nowMs,
    );
    sql.exec(
      `UPDATE tmp_export_job_artifacts SET state = ?, bytes = bytes + ?, part_count = part_count + ?
       WHERE job_id = ? AND ordinal = ?`,
      piece.state,
      piece.bytes,
      piece.parts.length,
      commit.jobId,
      piece.artifactOrdinal,
    );
  }
  for (const table of commit.tables) {
    sql.exec(
      `UPDATE tmp_export_job_tables SET rows = rows + ?, bytes = bytes + ?, status = ?,
         replacements = replacements + ?
       WHERE job_id = ? AND name = ?`,
      table.rows,
      table.bytes,
      table.done ? "done" : "running",
      table.replacements,
      commit.jobId,
      table.name,
    );
    recordPercent(sql, { ...table, jobId: commit.jobId, cursor: commit.cursor });
  }
  saveCarry(sql, commit.jobId, commit.carry);
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
    commit.jobId,
  );
}

/**
 * Moves an artifact on, where it is in state `from`; says whether it was. Its key is that of one plan
 * alone, so a try that comes late changes nothing of a later one's.
 */
export function moveArtifactIf(
  sql: SqlStorage,
  move: { jobId: string; ordinal: number; objectKey: string; from: ArtifactState } & {
    to: ArtifactState;
    uploadId?: string;
    sha256?: string;
    crc32?: number | null;
  },
): boolean {
  const moved = sql.exec(
    `UPDATE tmp_export_job_artifacts SET state = ?, upload_id = coalesce(?, upload_id),
       sha256 = coalesce(?, sha256), crc32 = coalesce(?, crc32)
     WHERE job_id = ? AND ordinal = ? AND object_key = ? AND state = ?`,
    move.to,
    move.uploadId ?? null,
    move.sha256 ?? null,
    move.crc32 ?? null,
    move.jobId,
    move.ordinal,
    move.objectKey,
    move.from,
  );
  return moved.rowsWritten > 0;
}

/** All pieces of an artifact, end to end. */
export function listPieces(sql: SqlStorage, of: { jobId: string; ordinal: number }): LedgerPiece[] {
  return sql
    .exec<{ bytes: number; sha256: string; run: number; parts_json: string }>(
      `SELECT bytes, sha256, run, parts_json FROM tmp_export_job_chunks
       WHERE job_id = ? AND artifact_ordinal = ? ORDER BY number`,
      of.jobId,
      of.ordinal,
    )
    .toArray()
    .map(({ bytes, sha256, run, parts_json }) => ({
      bytes,
      sha256,
      run,
      parts: JSON.parse(parts_json) as StoredPart[],
    }));
}

/** Every table of a job with what was read of it. */
export function listTables(
  sql: SqlStorage,
  jobId: string,
  limit = -1,
): { name: string; status: string; rows: number; bytes: number; percent: number | null }[] {
  return sql
    .exec<{ name: string; status: string; rows: number; bytes: number; percent: number | null }>(
      `SELECT name, status, rows, bytes, percent FROM tmp_export_job_tables
       WHERE job_id = ? ORDER BY ordinal LIMIT ?`,
      jobId,
      limit,
    )
    .toArray();
}

/** Returns one artifact of a job; undefined after the last. */
export function findArtifact(
  sql: SqlStorage,
  jobId: string,
  ordinal: number,
): ArtifactRecord | undefined {
  return listArtifacts(sql, jobId, { ordinal })[0];
}
