import { digestPlan } from "../../formats/plan-digest.ts";
import { planOf } from "../../formats/plan-of.ts";
import { CURSOR_START } from "../../rpc/cursor.ts";
import type { NextAction } from "../../rpc/next-action.ts";
import { unwrap } from "../../rpc/outcome.ts";
import { ExportError } from "../../api/errors.ts";
import { COMPRESSIONS } from "../../api/compressions.ts";
import type { JobRequest } from "../../api/export-request.ts";
import { objectKeyOf } from "../../rpc/object-key.ts";
import { concatBytes } from "../../lib/bytes.ts";
import { readKeyRanges } from "../../reading/key-ranges.ts";
import { digestOf, readCatalog } from "../../reading/read-catalog.ts";
import { readSourceWarnings } from "../../reading/source-warnings.ts";
import { readInOneTurn } from "../../reading/read-in-one-turn.ts";
import { closeSnapshot } from "../../reading/snapshot/close-snapshot.ts";
import {
  type OpenedSnapshot,
  openSnapshot,
  sweepLeftovers,
} from "../../reading/snapshot/open-snapshot.ts";
import type { Source } from "../../databases/source.ts";
import type { KeptTurn } from "../../rpc/kept-turn.ts";
import type { RunContext } from "../engine/run-context.ts";

/** What the step "open snapshot" tells the dashboard. */
export interface BegunExport {
  snapshotId: string;
  run: number;
  /** The checkpoint that an earlier run has left; null where this one begins from nothing. */
  goesOnFrom: number | null;
  /** Why the watchdog gave the job to this run; null for the first. */
  rescued: string | null;
  tables: number;
  artifacts: number;
  warnings: number;
  next: NextAction;
}

/**
 * Begins a run: takes up the newest checkpoint if there is one. Otherwise it reads a small database in
 * one turn, opens a snapshot of a larger one, or reads the catalog of a live export, and records the
 * plan. Repeating it is harmless: every attempt that finds no plan has an instant of its own and removes
 * what earlier attempts have left.
 */
export async function beginExport(context: RunContext): Promise<BegunExport> {
  const { jobs, of } = context;
  const job = unwrap(await jobs.beginRun(of));
  const { rescuedFor: rescued, request } = job;
  if (job.plan !== null) {
    const { next, number } = unwrap(await jobs.checkpoint(of));
    return {
      snapshotId: job.plan.snapshotId,
      run: of.run,
      goesOnFrom: number,
      rescued,
      tables: 0,
      artifacts: 0,
      warnings: 0,
      next,
    };
  }
  const snapshotId = crypto.randomUUID();
  const source = context.openSource(request, job.hasReachedSource);
  const isSnapshot = request.consistency === "snapshot";
  const measuring = countReading(source);
  const whole = isSnapshot
    ? await readWhole(context, measuring.source, { request, snapshotId })
    : undefined;
  const isFrozen = isSnapshot && whole === undefined;
  unwrap(await jobs.recordSnapshot(of, { snapshotId, isFrozen }));
  const opened =
    whole ??
    (isFrozen
      ? await freeze(context, source, { request, snapshotId })
      : await look(source, request));
  const { plan, catalog } = opened;
  const tables = plan.tables.filter(({ derived }) => derived === undefined);
  const { ranges, rowsRead } =
    whole === undefined ? await readKeyRanges(source, tables) : { ranges: [], rowsRead: 0 };
  const warnings = [
    ...job.warnings,
    ...opened.warnings,
    ...plan.warnings,
    ...(await readSourceWarnings(source, plan, { isFrozen })),
  ];
  const recorded = await jobs.recordPlan({
    ...of,
    snapshotId,
    snapshotAtMs: opened.atMs,
    snapshot: opened.record,
    catalogDigest: await digestOf(catalog),
    planDigest: await digestPlan(plan, snapshotId),
    cursor: CURSOR_START,
    firstTable: tableAt(plan.artifacts[0]?.segments, 0),
    artifacts: plan.artifacts.map(({ name, contentType }) => {
      const { suffix, contentType: compressed } = COMPRESSIONS[request.compression];
      return {
        name: `${name}${suffix}`,
        contentType: compressed ?? contentType,
        objectKey: objectKeyOf({ jobId: of.jobId, snapshotId, name: `${name}${suffix}` }),
      };
    }),
    tables: tables.map((table) => table.name),
    ...(opened.turn && { turn: opened.turn }),
    keyRanges: ranges,
    warnings,
    usage: {
      rowsRead: opened.rowsRead + rowsRead + (whole === undefined ? measuring.rowsRead() : 0),
      rowsWritten: opened.rowsWritten,
    },
  });
  // A try that came too late: the job is over, or another try reads a snapshot of its own.
  if (!recorded.ok && isFrozen) await closeSnapshot(source, snapshotId);
  const next = unwrap(recorded);
  return {
    snapshotId,
    run: of.run,
    goesOnFrom: null,
    rescued,
    tables: tables.length,
    artifacts: plan.artifacts.length,
    warnings: warnings.length,
    next,
  };
}

type Begun = Omit<OpenedSnapshot, "record"> & {
  record: OpenedSnapshot["record"] | null;
  turn?: KeptTurn;
};

/**
 * A small database, read in one turn: that is an instant without triggers, of which writers notice
 * nothing but the turn. Undefined if it is not small. Whatever an earlier attempt has left is removed.
 */
async function readWhole(
  { jobs, config }: RunContext,
  source: Source,
  { request, snapshotId }: { request: JobRequest; snapshotId: string },
): Promise<Begun | undefined> {
  const bytesMax = config.oneTurnBytes;
  if (bytesMax === 0) return undefined;
  await sweepLeftovers(source, (other) => jobs.isSnapshotLeftover(other));
  const catalog = await readCatalog(source);
  const { plan, encoderOf } = planOf(request, catalog);
  const catalogDigest = await digestOf(catalog);
  const dump = await readInOneTurn(source, { plan, encoderOf, catalogDigest, bytesMax });
  if (dump === undefined) return undefined;
  const { atMs, pieces, rowsRead } = dump;
  return {
    record: { snapshotId, tables: [], texts: [], isOneTurn: true },
    turn: {
      catalog,
      pieces: pieces.map(({ bytes, ...piece }) => ({ ...piece, byteLength: bytes.byteLength })),
      bytes: concatBytes(pieces.map(({ bytes }) => bytes)),
    },
    catalog,
    plan,
    atMs,
    warnings: [],
    rowsRead,
    rowsWritten: 0,
  };
}

/** The source, and the rows that its transactions have read so far. */
function countReading(source: Source): { source: Source; rowsRead: () => number } {
  let count = 0;
  const transaction: Source["transaction"] = async (statements) => {
    const results = await source.transaction(statements);
    count += results.reduce((sum, result) => sum + result.rowsRead, 0);
    return results;
  };
  return { source: { ...source, transaction }, rowsRead: () => count };
}

async function freeze(
  { jobs, of, config }: RunContext,
  source: Source,
  { request, snapshotId }: { request: JobRequest; snapshotId: string },
): Promise<Begun> {
  try {
    return await openSnapshot(source, {
      snapshotId,
      jobId: of.jobId,
      undoBytesMax: config.undoBytesMax,
      planOf: (catalog) => planOf(request, catalog).plan,
      isLeftover: (other) => jobs.isSnapshotLeftover(other),
    });
  } catch (error) {
    // In a class without the methods nothing was made, and nobody could close it.
    if (error instanceof ExportError && error.code === "configuration-invalid") {
      await jobs.recordClosed(of.jobId, { snapshotId, tablesLeft: 0 });
    }
    throw error;
  }
}

async function look(source: Source, request: JobRequest): Promise<Begun> {
  const atMs = Date.now();
  const catalog = await readCatalog(source);
  const { plan } = planOf(request, catalog);
  return { record: null, catalog, plan, atMs, warnings: [], rowsRead: 0, rowsWritten: 0 };
}

/** The table whose rows come first at or behind a segment; "schema" where only text is left. */
export function tableAt(
  segments: readonly { kind: string; table?: string }[] | undefined,
  from: number,
): string {
  const rows = segments?.slice(from).find((segment) => segment.kind === "rows");
  return rows?.table ?? "schema";
}
