import type { SnapshotRecord } from "../rpc/snapshot-record.ts";
import type { Source } from "../databases/source.ts";
import { type PlanDump, type PlannedDump, readDumpPlan } from "./planned-dump.ts";
import { type OneTurnPiece, readInOneTurn } from "./read-in-one-turn.ts";
import { openSnapshot } from "./snapshot/open-snapshot.ts";
import { type IsLeftover, sweepLeftovers } from "./snapshot/sweep-leftovers.ts";
import { readSourceWarnings } from "./source-warnings.ts";

/** A dump to begin. */
export interface DumpRequest {
  /** The id of the snapshot, if one is opened: a new id for each attempt. */
  snapshotId: string;
  /** The snapshot's owner: the id of a job or of a stream. */
  jobId: string;
  /** `snapshot` is one instant; `live` reads each page in its current state. */
  consistency: "snapshot" | "live";
  planDump: PlanDump;
  /** The plan, if the catalog was already read. */
  planned?: PlannedDump;
  /** How many bytes of values may be read in one turn; 0 never reads in one turn. */
  oneTurnBytes: number;
  /**
   * True if an earlier attempt may have opened a snapshot. It is removed even if this attempt opens
   * none; every opening removes such leftovers anyway.
   */
  removesLeftovers: boolean;
  /** The most bytes that the snapshot's undo log may hold. */
  undoBytesMax: number;
  isLeftover: IsLeftover;
  /**
   * Called once, when the method of reading is known and before anything is created in the source,
   * with the plan if one was made. An error stops the dump.
   */
  beforeReading: (method: BegunDump["method"], planned?: PlannedDump) => Promise<void>;
}

/** A dump whose instant is chosen, if it has one. */
export type BegunDump = PlannedDump & {
  /** The instant by the source's own clock; for a live dump, its start by this Worker's clock. */
  atMs: number;
  /** What the reader of the dump must know, one sentence each. */
  warnings: string[];
  /** What beginning the dump cost the source, as the runtime bills it. */
  rowsRead: number;
  rowsWritten: number;
} &
  /** All of it, read in one turn: nothing remains to be read. */
  (
    | { method: "one-turn"; pieces: OneTurnPiece[] }
    /** A `ReadingSession` reads it as it was at that instant. */
    | { method: "snapshot"; record: SnapshotRecord }
    /** A `ReadingSession` reads it as it is. */
    | { method: "live" }
  );

/**
 * Begins a dump by the first method that is allowed and works:
 *
 * 1. If `oneTurnBytes` allows it and the dump is small, all of it is read in one turn of the
 *    source.
 * 2. For `consistency: "snapshot"` a snapshot is opened, which the caller must close.
 * 3. For `consistency: "live"` nothing is held.
 *
 * An attempt that fails may leave a snapshot with this id, which `closeSnapshot` removes.
 *
 * Errors: those of `planDump`, `beforeReading`, `openSnapshot` and the source's own.
 */
export async function beginDump(source: Source, request: DumpRequest): Promise<BegunDump> {
  const { consistency } = request;
  const counted = countReading(source);
  const { whole, planned } = await readWhole(counted.source, request);
  await request.beforeReading(whole?.method ?? consistency, planned);
  const begun =
    whole ??
    (consistency === "snapshot"
      ? await freeze(source, request, planned)
      : await look(source, request, planned));
  const isFrozen = consistency === "snapshot";
  const warnings = [
    ...begun.warnings,
    ...begun.plan.warnings,
    ...(await readSourceWarnings(source, begun.plan, { isFrozen })),
  ];
  const rowsRead = begun.rowsRead + (whole === undefined ? counted.rowsRead() : 0);
  return { ...begun, warnings, rowsRead };
}

/**
 * Returns all of a small dump; no `whole` if it is not small, or must not be read in one turn. Also returns the plan,
 * if one was made.
 */
async function readWhole(
  source: Source,
  request: DumpRequest,
): Promise<{ whole?: BegunDump; planned?: PlannedDump | undefined }> {
  const { oneTurnBytes: bytesMax, planDump, removesLeftovers, isLeftover } = request;
  if (bytesMax === 0) return { planned: request.planned };
  // A far database takes both requests at the same time.
  const [planned] = await Promise.all([
    request.planned ?? readDumpPlan(source, planDump),
    removesLeftovers ? sweepLeftovers(source, isLeftover) : [],
  ]);
  const dump = await readInOneTurn(source, { ...planned, bytesMax });
  if (dump === undefined) return { planned };
  return { whole: { method: "one-turn", ...planned, ...dump, warnings: [], rowsWritten: 0 } };
}

async function freeze(
  source: Source,
  { snapshotId, jobId, undoBytesMax, planDump, isLeftover }: DumpRequest,
  planned: PlannedDump | undefined,
): Promise<BegunDump> {
  const opened = await openSnapshot(source, {
    snapshotId,
    jobId,
    undoBytesMax,
    planDump,
    ...(planned && { planned }),
    isLeftover,
  });
  return { method: "snapshot", ...opened };
}

async function look(
  source: Source,
  { planDump }: DumpRequest,
  found: PlannedDump | undefined,
): Promise<BegunDump> {
  const atMs = Date.now();
  const planned = found ?? (await readDumpPlan(source, planDump));
  return { method: "live", ...planned, atMs, warnings: [], rowsRead: 0, rowsWritten: 0 };
}

/** Returns the source, and the rows that its transactions have read so far. */
function countReading(source: Source): { source: Source; rowsRead: () => number } {
  let count = 0;
  const transaction: Source["transaction"] = async (statements) => {
    const results = await source.transaction(statements);
    count += results.reduce((sum, result) => sum + result.rowsRead, 0);
    return results;
  };
  return { source: { ...source, transaction }, rowsRead: () => count };
}
