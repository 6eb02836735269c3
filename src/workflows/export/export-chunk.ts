import type { Cursor } from "../../rpc/cursor.ts";
import type { TableProgress } from "../../rpc/chunk-commit.ts";
import type { NextAction } from "../../rpc/next-action.ts";
import { unwrap } from "../../rpc/outcome.ts";
import { findFileCompression } from "../../api/compressions.ts";
import { CHUNK_GROWTH_DIVISOR } from "../../api/limits.ts";
import { assert } from "../../lib/assert.ts";
import { makeTurnYielder } from "../../lib/yield-turn.ts";
import type { DumpPlan } from "../../formats/plan.ts";
import type { Demand } from "../../reading/pages-ahead.ts";
import type { DumpPiece } from "../../reading/dump-reader.ts";
import { ChunkWriter } from "../../storage/writer/chunk-writer.ts";
import { nameTableAt } from "./begin-export.ts";
import { openReading } from "./chunk-reading.ts";
import { CHUNK_ARTIFACTS_MAX, isChunkOver } from "./chunk-end.ts";
import type { RunContext } from "../engine/run-context.ts";
import type { RunMemory } from "./run-memory.ts";

/** What a step "export …" reports to the dashboard. */
export interface ExportedChunk {
  table: string;
  rows: number;
  bytes: number;
  parts: number;
  /** The start of the next chunk, shortened for reading. */
  cursor: string;
  next: NextAction;
}

const SHOWN_CURSOR_CHARS_MAX = 200;

/**
 * Exports one chunk from the newest checkpoint: pages become bytes, bytes become parts, and the
 * checkpoint after them is committed in one transaction. A chunk ends when it is long enough, when
 * it has taken a minute or ended many artifacts, when a part is full and no upload is open for it,
 * or when an artifact with an upload is completely written.
 *
 * An attempt that finds its chunk already committed (its answer was lost) returns what follows it.
 */
export async function exportChunk(
  context: RunContext,
  expectedCheckpoint: number,
  memory: RunMemory,
): Promise<ExportedChunk> {
  const { pace } = memory;
  const { jobs, runId, config } = context;
  const startedAtMs = Date.now();
  const checkpoint = unwrap(await jobs.checkpoint(runId));
  if (checkpoint.number !== expectedCheckpoint) {
    return { ...NOTHING, cursor: cursorText(checkpoint.cursor), next: checkpoint.next };
  }
  const job = unwrap(await jobs.beginRun(runId));
  const reading = await openReading(context, job, checkpoint, memory);
  const { plan } = reading;
  assert(checkpoint.artifact !== undefined, "a chunk is exported into an artifact");
  await using writer = new ChunkWriter({
    store: context.store,
    partBytes: job.partBytes,
    artifact: checkpoint.artifact,
    carry: checkpoint.carry,
    compression: findFileCompression(job.request),
    storedShare: pace.storedShare,
  });
  const chunkBytes = Math.max(
    config.chunkBytes,
    Math.ceil(checkpoint.bytes / CHUNK_GROWTH_DIVISOR),
  );
  const counts = new TableCounts();
  let { cursor } = checkpoint;
  let ended = 0;
  const yieldTurn = makeTurnYielder();
  const demand = (): Demand => ({
    bytes: writer.expectedBytes(chunkBytes),
    artifacts: writer.hasUpload ? 0 : CHUNK_ARTIFACTS_MAX - ended,
  });
  for await (const piece of reading.read(demand)) {
    for (const bytes of piece.bytes) await writer.write(bytes);
    writer.addNotes(piece.notes);
    counts.add(piece);
    piece.release();
    await yieldTurn();
    await context.beat();
    cursor = piece.cursor;
    const isLongEnough = (): boolean =>
      writer.isLongEnough(chunkBytes) || isChunkOver({ startedAtMs, artifacts: ended });
    if (piece.ends) {
      const hadUpload = writer.hasUpload;
      await writer.endArtifact();
      ended += 1;
      if (hadUpload || isLongEnough()) break;
      const following = unwrap(await jobs.artifact(runId, cursor.artifact));
      if (following === null) break;
      await writer.beginArtifact(following);
    } else if (writer.wantsUpload || isLongEnough()) {
      break;
    }
  }
  // The check runs while the last parts are sent. After it fails, no part may still be on its way.
  const intact = reading.requireIntact();
  intact.catch(() => {});
  const written = await writer.finish();
  pace.storedShare = writer.storedShare ?? pace.storedShare;
  await intact;
  const next = unwrap(
    await jobs.commitChunk({
      ...runId,
      expectedCheckpoint,
      table: checkpoint.next.do === "export" ? checkpoint.next.table : "schema",
      cursor,
      nextTable: nameTableAt(plan.artifacts[cursor.artifact]?.segments, cursor.segment),
      pieces: written.pieces,
      tables: counts.progress(plan, cursor),
      otherRows: counts.otherRows,
      warnings: [...counts.warnings],
      carry: written.carry,
      usage: {
        rowsRead: counts.rowsRead,
        rowsWritten: 0,
        r2ClassAOperations: written.r2ClassAOperations,
      },
      startedAtMs,
    }),
  );
  return {
    table: checkpoint.next.do === "export" ? checkpoint.next.table : "schema",
    rows: counts.rows,
    bytes: writer.bytes,
    parts: written.pieces.reduce((sum, piece) => sum + piece.parts.length, 0),
    cursor: cursorText(cursor),
    next,
  };
}

const NOTHING = { table: "", rows: 0, bytes: 0, parts: 0 };

function cursorText(cursor: Cursor): string {
  return JSON.stringify(cursor).slice(0, SHOWN_CURSOR_CHARS_MAX);
}

/** What a chunk read, table by table. */
class TableCounts {
  rows = 0;
  otherRows = 0;
  rowsRead = 0;
  readonly warnings = new Set<string>();
  readonly #tables = new Map<string, { rows: number; bytes: number; replacements: number }>();

  add(piece: DumpPiece): void {
    this.rowsRead += piece.rowsRead;
    this.rows += piece.rows;
    for (const warning of piece.warnings) this.warnings.add(warning);
    if (piece.table === undefined) {
      this.otherRows += piece.rows;
      return;
    }
    const table = this.#tables.get(piece.table) ?? { rows: 0, bytes: 0, replacements: 0 };
    table.rows += piece.rows;
    table.replacements += piece.replacements;
    for (const bytes of piece.bytes) table.bytes += bytes.byteLength;
    this.#tables.set(piece.table, table);
  }

  /** A table is done when the cursor is past its segment. */
  progress(plan: DumpPlan, cursor: Cursor): TableProgress[] {
    const current = plan.artifacts[cursor.artifact]?.segments[cursor.segment];
    const open = current?.kind === "rows" ? current.table : undefined;
    return [...this.#tables].map(([name, counts]) => ({
      name,
      ...counts,
      done: name !== open,
    }));
  }
}
