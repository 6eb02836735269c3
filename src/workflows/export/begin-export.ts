import type { DumpPlan } from "../../formats/plan.ts";
import { digestPlan } from "../../formats/plan-digest.ts";
import { describeWriter, planDump } from "../../formats/plan-dump.ts";
import { CURSOR_START } from "../../rpc/cursor.ts";
import type { NextAction } from "../../rpc/next-action.ts";
import { unwrap } from "../../rpc/outcome.ts";
import { ExportError } from "../../api/errors.ts";
import { COMPRESSIONS, findFileCompression } from "../../api/compressions.ts";
import type { JobRequest } from "../../api/export-request.ts";
import { concatBytes } from "../../lib/bytes.ts";
import { beginDump, type BegunDump } from "../../reading/begin-dump.ts";
import { readKeyRanges } from "../../reading/key-ranges.ts";
import { closeSnapshot } from "../../reading/snapshot/close-snapshot.ts";
import type { Source } from "../../databases/source.ts";
import type { KeptTurn } from "../../rpc/kept-turn.ts";
import type { SnapshotRecord } from "../../rpc/snapshot-record.ts";
import type { RunContext } from "../engine/run-context.ts";
import { RunMemory } from "./run-memory.ts";
import { estimateCosts, requireAffordable } from "../proof/proof-cost.ts";

/** What the step "open snapshot" reports to the dashboard. */
export interface BegunExport {
  snapshotId: string;
  run: number;
  /** The checkpoint that an earlier run left; null if this run starts from the beginning. */
  goesOnFrom: number | null;
  /** Why the watchdog gave the job to this run; null for the first. */
  rescued: string | null;
  tables: number;
  artifacts: number;
  warnings: number;
  /** True if the job is proved by a restore. */
  proves: boolean;
  /** True if its files are sealed in the deployment's own store. */
  seals: boolean;
  next: NextAction;
}

/**
 * Begins a run: resumes from the newest checkpoint if there is one. Otherwise it begins the job's
 * dump and records the plan. Repeating it is harmless: every attempt that finds no plan has its own
 * instant and removes what earlier attempts left.
 */
export async function beginExport(
  context: RunContext,
  memory = new RunMemory(),
): Promise<BegunExport> {
  const { jobs, runId } = context;
  const job = unwrap(await jobs.beginRun(runId));
  const { rescuedFor: rescued, request } = job;
  const proves = request.verify === "restore";
  const seals = request.encrypt === "all";
  if (job.plan !== null) {
    const { next, number } = unwrap(await jobs.checkpoint(runId));
    return {
      snapshotId: job.plan.snapshotId,
      run: runId.run,
      goesOnFrom: number,
      rescued,
      tables: 0,
      artifacts: 0,
      warnings: 0,
      proves,
      seals,
      next,
    };
  }
  const snapshotId = crypto.randomUUID();
  const source = context.openSource(request, job.hasReachedSource);
  const { begun, ranged } = await beginJobDump(context, source, { request, snapshotId });
  const { plan } = begun;
  const tables = listOwnTables(plan);
  const { ranges, rowsRead } = ranged;
  if (proves) requireAffordable(estimateCosts(tables, ranges), context.config.proofRowsMax);
  const warnings = [...job.warnings, ...begun.warnings];
  const planDigest = await digestPlan(plan, snapshotId);
  const recorded = await jobs.recordPlan({
    ...runId,
    snapshotId,
    snapshotAtMs: begun.atMs,
    snapshot: snapshotRecord(begun, snapshotId),
    catalogDigest: begun.catalogDigest,
    planDigest,
    writer: describeWriter(begun.catalog),
    cursor: CURSOR_START,
    firstTable: nameTableAt(plan.artifacts[0]?.segments, 0),
    artifacts: plan.artifacts.map(({ name, contentType }) => {
      const { suffix, contentType: compressed } = COMPRESSIONS[findFileCompression(request)];
      return {
        name: `${name}${suffix}`,
        contentType: compressed ?? contentType,
      };
    }),
    tables: tables.map((table) => table.name),
    ...(begun.method === "one-turn" && { turn: keptTurn(begun) }),
    keyRanges: ranges,
    warnings,
    usage: { rowsRead: begun.rowsRead + rowsRead, rowsWritten: begun.rowsWritten },
  });
  // This attempt was too late: the job is over, or another attempt reads its own snapshot.
  if (!recorded.ok && begun.method === "snapshot") await closeSnapshot(source, snapshotId);
  const next = unwrap(recorded);
  if (begun.method !== "one-turn") memory.rememberPlan(planDigest, begun);
  return {
    snapshotId,
    run: runId.run,
    goesOnFrom: null,
    rescued,
    tables: tables.length,
    artifacts: plan.artifacts.length,
    warnings: warnings.length,
    proves,
    seals,
    next,
  };
}

/** Begins a job's dump, and reads the ranges of its tables' keys, unless all of it was read in one turn. */
async function beginJobDump(
  { jobs, runId, config }: RunContext,
  source: Source,
  { request, snapshotId }: { request: JobRequest; snapshotId: string },
): Promise<{ begun: BegunDump; ranged: Ranged }> {
  const { consistency } = request;
  let early: { plan: DumpPlan; ranged: Promise<Ranged> } | undefined;
  try {
    const begun = await beginDump(source, {
      snapshotId,
      jobId: runId.jobId,
      consistency,
      planDump: (catalog) => planDump(request, catalog),
      oneTurnBytes: consistency === "snapshot" ? config.oneTurnBytes : 0,
      removesLeftovers: true,
      undoBytesMax: config.undoBytesMax,
      isLeftover: (other) => jobs.isSnapshotLeftover(other),
      beforeReading: async (method, planned) => {
        const isFrozen = method === "snapshot";
        unwrap(await jobs.recordSnapshot(runId, { snapshotId, isFrozen }));
        if (method === "one-turn" || planned === undefined) return;
        // A far database takes these requests while it opens the snapshot.
        const { plan } = planned;
        early = { plan, ranged: readKeyRanges(source, listOwnTables(plan)) };
        early.ranged.catch(() => {});
      },
    });
    if (begun.method === "one-turn") return { begun, ranged: { ranges: [], rowsRead: 0 } };
    // The schema may have changed while the snapshot was opened.
    const isSame = early?.plan === begun.plan;
    const tables = listOwnTables(begun.plan);
    const ranged = await (isSame && early ? early.ranged : readKeyRanges(source, tables));
    return { begun, ranged };
  } catch (error) {
    // In a class without the methods nothing was created, and nothing could close it.
    if (error instanceof ExportError && error.code === "configuration-invalid") {
      await jobs.recordClosed(runId.jobId, { snapshotId, tablesLeft: 0 });
    }
    throw error;
  }
}

type Ranged = Awaited<ReturnType<typeof readKeyRanges>>;

/** The tables of a plan, without those that only the dump has. */
function listOwnTables(plan: DumpPlan): DumpPlan["tables"] {
  return plan.tables.filter(({ derived }) => derived === undefined);
}

/** What is recorded about how the dump is read; null if rows are read as they are. */
function snapshotRecord(begun: BegunDump, snapshotId: string): SnapshotRecord | null {
  if (begun.method === "live") return null;
  if (begun.method === "snapshot") return begun.record;
  return { snapshotId, tables: [], texts: [], isOneTurn: true };
}

/** What is kept with the plan of a dump that was read in one turn. */
function keptTurn({ catalog, pieces }: BegunDump & { method: "one-turn" }): KeptTurn {
  return {
    catalog,
    pieces: pieces.map(({ bytes, ...piece }) => ({ ...piece, byteLength: bytes.byteLength })),
    bytes: concatBytes(pieces.map(({ bytes }) => bytes)),
  };
}

/** Returns the table whose rows come first at or after a segment; "schema" if only text is left. */
export function nameTableAt(
  segments: readonly { kind: string; table?: string }[] | undefined,
  from: number,
): string {
  const rows = segments?.slice(from).find((segment) => segment.kind === "rows");
  return rows?.table ?? "schema";
}
