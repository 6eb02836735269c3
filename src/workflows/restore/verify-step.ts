import type { Manifest } from "../../api/manifest.ts";
import { MIB } from "../../api/limits.ts";
import { canCompare } from "../../formats/plan-manifest-dump.ts";
import type { RestoreState } from "../../rpc/restore-jobs.ts";
import type { RunContext } from "../engine/run-context.ts";
import { compareCounts, type ExpectedRows } from "./compare-counts.ts";
import { COMPARE_START, type CompareCursor, comparePieces } from "./compare-pieces.ts";
import { type Difference, toDifferenceError } from "./difference.ts";
import { locateDifference } from "./locate-difference.ts";
import { planSecondDump } from "./plan-second-dump.ts";
import { readManifest } from "./read-manifest.ts";
import { RestoreRun } from "./restore-run.ts";

/** How much of the second dump's text one step compares. */
const STEP_BYTES = 64 * MIB;

/** The result of a step "verify", for the dashboard. */
export interface VerifiedStep {
  method: string;
  pieces: number;
  isDone: boolean;
}

/**
 * Compares the next part of the restored data with its dump. Repeating it compares the part after that. Errors:
 * `restore-differs`, with the place; the source's own.
 */
export function verifyStep(context: RunContext): Promise<VerifiedStep> {
  return RestoreRun.perform(context, verify);
}

async function verify(run: RestoreRun): Promise<VerifiedStep> {
  const { verification } = run.state;
  if (verification.state === "equal" || verification.state === "skipped") {
    return { method: verification.method ?? "none", pieces: 0, isDone: true };
  }
  const { manifestKey } = run.require("script");
  const manifest =
    verification.method === "none" ? null : await readManifest(run.context.store, manifestKey);
  const { expectedRows } = run.state;
  if (verification.method === "none" || (manifest === null && expectedRows === null)) {
    await run.commit({ verification: { ...verification, method: "none", state: "skipped" } });
    return { method: "none", pieces: 0, isDone: true };
  }
  const compared =
    verification.method === "digest" && manifest !== null && canCompare(manifest)
      ? await compareDigests(run, manifest)
      : await countRows(run, manifest?.tables ?? expectedRows ?? []);
  const { method, pieces, piecesTotal, rows, rowsRead, cursor, difference } = compared;
  const next: RestoreState["verification"] = {
    method,
    state: difference === null ? (cursor === null ? "equal" : "running") : "differs",
    pieces: verification.pieces + pieces,
    piecesTotal,
    rows: verification.rows + rows,
    cursor,
  };
  await run.commit(
    { verification: next },
    { usage: { rowsRead, rowsWritten: 0, r2ClassAOperations: 0 } },
  );
  if (difference !== null) throw toDifferenceError(difference);
  return { method, pieces, isDone: cursor === null };
}

interface Compared {
  method: "digest" | "counts";
  pieces: number;
  piecesTotal: number;
  rows: number;
  rowsRead: number;
  /** Null if everything is compared, or something differs. */
  cursor: string | null;
  difference: Difference | null;
}

async function compareDigests(
  run: RestoreRun,
  manifest: Manifest & { version: 2 },
): Promise<Compared> {
  const { cursor } = run.state.verification;
  const source = run.openTarget();
  const { places } = run.require("plan");
  const planDump = await planSecondDump(source, { manifest, places });
  const { store, beat } = run.context;
  const compared = await comparePieces(source, {
    manifest,
    artifact: 0,
    planDump,
    from: cursor === null ? COMPARE_START : (JSON.parse(cursor) as CompareCursor),
    textBytesMax: STEP_BYTES,
    locate: () => locateDifference({ source, planDump, store, script: run.state.script, beat }),
    beat,
  });
  return {
    ...compared,
    method: "digest",
    piecesTotal: manifest.artifacts[0]?.chunks.length ?? 0,
    cursor: compared.next === null ? null : JSON.stringify(compared.next),
  };
}

async function countRows(run: RestoreRun, tables: readonly ExpectedRows[]): Promise<Compared> {
  const { cursor } = run.state.verification;
  const counted = await compareCounts(run.openTarget(), {
    tables,
    from: cursor === null ? 0 : (JSON.parse(cursor) as number),
    beat: run.context.beat,
  });
  return {
    ...counted,
    method: "counts",
    pieces: counted.tables,
    piecesTotal: tables.length,
    cursor: counted.next === null ? null : JSON.stringify(counted.next),
  };
}
