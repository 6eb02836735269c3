import { ExportError } from "../../api/errors.ts";
import type { ChunkCommit } from "../../rpc/chunk-commit.ts";
import type { NextAction } from "../../rpc/next-action.ts";
import type { JobsContext } from "../jobs-context.ts";
import { requireSpaceForFiles } from "../require-space.ts";
import { addPiece } from "../tables/artifact-rows.ts";
import { saveCarry } from "../tables/blob-rows.ts";
import { insertChunkPiece } from "../tables/chunk-rows.ts";
import { moveCheckpoint } from "../tables/job-plan-columns.ts";
import { getJob, getJobOfRun } from "../tables/job-rows.ts";
import { addTableProgress, getKeyRange, recordPercent } from "../tables/table-rows.ts";
import { decideNextAction } from "../views/decide-next-action.ts";
import { measurePercentRead } from "../views/percent.ts";

/** Commits a chunk. Errors: `run-superseded`, `try-overtaken`, `inline-storage-full`. */
export function commitExportedChunk(context: JobsContext, commit: ChunkCommit): NextAction {
  const { sql, storage } = context;
  return storage.transactionSync(() => {
    commitChunk(sql, commit, Date.now());
    // The carry is stored in the jobs database too.
    requireSpaceForFiles(context, 0);
    return decideNextAction(sql, getJob(sql, commit.jobId));
  });
}

/**
 * Writes everything that a chunk changes. Call it inside a transaction. Errors: `run-superseded` if
 * another run has taken over, `try-overtaken` if another checkpoint came first; nothing is changed
 * then.
 */
export function commitChunk(sql: SqlStorage, commit: ChunkCommit, nowMs: number): void {
  const { jobId } = commit;
  const job = getJobOfRun(sql, commit);
  if (job.checkpoint !== commit.expectedCheckpoint) {
    throw new ExportError(
      "try-overtaken",
      `job ${jobId} is at checkpoint ${job.checkpoint}, not ${commit.expectedCheckpoint}`,
    );
  }
  const number = job.checkpoint + 1;
  const firstCursorJson = job.cursor_json;
  const chunkRows = commit.tables.reduce((sum, { rows }) => sum + rows, commit.otherRows ?? 0);
  for (const [at, piece] of commit.pieces.entries()) {
    // The rows belong to the chunk and count once.
    const rows = at === 0 ? chunkRows : 0;
    insertChunkPiece(sql, piece, { commit, number, firstCursorJson, rows, nowMs });
    addPiece(sql, jobId, piece);
  }
  for (const table of commit.tables) {
    const { name } = table;
    addTableProgress(sql, jobId, table);
    const percent = table.done
      ? 100
      : measurePercentRead(getKeyRange(sql, { jobId, name }), commit.cursor.after);
    recordPercent(sql, { jobId, name, percent });
  }
  saveCarry(sql, jobId, commit.carry);
  moveCheckpoint(sql, job, { commit, number, nowMs });
}
