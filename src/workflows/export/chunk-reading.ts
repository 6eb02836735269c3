import type { Cursor } from "../../rpc/cursor.ts";
import { unwrap } from "../../rpc/outcome.ts";
import { ExportError } from "../../api/errors.ts";
import { digestPlan } from "../../formats/plan-digest.ts";
import { planDump } from "../../formats/plan-dump.ts";
import type { DumpPlan } from "../../formats/plan.ts";
import type { DumpPiece } from "../../reading/dump-reader.ts";
import type { Demand } from "../../reading/pages-ahead.ts";
import { ReadingSession } from "../../reading/reading-session.ts";
import { assert } from "../../lib/assert.ts";
import type { RecordedPlan, RunningJob } from "../../rpc/run-jobs.ts";
import type { KeptTurn } from "../../rpc/kept-turn.ts";
import type { RunContext } from "../engine/run-context.ts";
import type { RunMemory } from "./run-memory.ts";

/** What a chunk reads. */
export interface ChunkReading {
  plan: DumpPlan;
  /**
   * Reads everything from the chunk's cursor to the end of the plan; the chunk stops when it has
   * enough. `demand` returns about how much it still needs.
   */
  read: (demand: () => Demand) => AsyncGenerator<DumpPiece, void, undefined>;
  /** Call it after the last piece. Errors: `schema-changed`, `snapshot-lost`. */
  requireIntact: () => Promise<void>;
}

/**
 * Opens what a job reads: the dump that it kept from one turn, or a session of its snapshot or of
 * the rows as they are.
 *
 * Errors: `plan-changed` if this code makes a different plan than the checkpoint's, and those of
 * `ReadingSession`.
 */
export async function openReading(
  context: RunContext,
  job: RunningJob,
  checkpoint: { number: number; cursor: Cursor },
  memory: RunMemory,
): Promise<ChunkReading> {
  const { request, plan: planned } = job;
  assert(planned !== null, "a chunk is read after its job's plan is recorded");
  const { snapshot: record, catalogDigest } = planned;
  if (record?.isOneTurn === true) {
    const kept = unwrap(await context.jobs.keptTurn(context.runId));
    if (kept === null)
      throw new ExportError("internal-error", "the rows that were read in one turn are gone");
    const { plan } = planDump(request, kept.catalog);
    await requireSamePlan(plan, planned);
    return {
      plan,
      read: () => keptPieces(kept, checkpoint.cursor),
      requireIntact: async () => {},
    };
  }
  const session = await ReadingSession.open(context.openSource(request), {
    catalogDigest,
    record,
    undoBytesMax: context.config.undoBytesMax,
    planDump: async (catalog) => {
      const read = planDump(request, catalog);
      await requireSamePlan(read.plan, planned);
      return read;
    },
    planned: memory.findPlan(planned.planDigest),
  });
  memory.rememberPlan(planned.planDigest, session.planned);
  // Its error comes from `read`.
  session.commit(checkpoint.cursor, checkpoint.number).catch(() => {});
  return {
    plan: session.planned.plan,
    read: (demand) =>
      session.read(
        checkpoint.cursor,
        { pagesMax: context.config.pagesAhead, demand, pace: memory.pace },
        async (artifact) => unwrap(await context.jobs.notes(context.runId, artifact)),
      ),
    requireIntact: () => session.requireIntact(),
  };
}

/** A cursor counts the segments of one plan, and a file must not change its encoding halfway. */
async function requireSamePlan(
  plan: DumpPlan,
  { snapshotId, planDigest }: RecordedPlan,
): Promise<void> {
  if ((await digestPlan(plan, snapshotId)) === planDigest) return;
  throw new ExportError(
    "plan-changed",
    "another version of the Worker was deployed, and plans or writes this export differently",
  );
}

/** The pieces that follow `cursor`, which is the start or the end of a piece. */
async function* keptPieces(
  { pieces, bytes }: KeptTurn,
  cursor: Cursor,
): AsyncGenerator<DumpPiece, void, undefined> {
  const from = JSON.stringify(cursor);
  let isBehind = pieces.every((piece) => JSON.stringify(piece.cursor) !== from);
  let offset = 0;
  for (const { byteLength, warnings = [], notes = [], ...piece } of pieces) {
    const text = bytes.subarray(offset, offset + byteLength);
    offset += byteLength;
    if (isBehind)
      yield { ...piece, warnings, notes, bytes: [text], rowsRead: 0, release: () => {} };
    else isBehind = JSON.stringify(piece.cursor) === from;
  }
}
