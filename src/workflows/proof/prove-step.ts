import { ExportError } from "../../api/errors.ts";
import { MIB } from "../../api/limits.ts";
import type { ManifestV2 } from "../../api/manifest.ts";
import { openSource } from "../../databases/open-source.ts";
import type { Source } from "../../databases/source.ts";
import { canCompare } from "../../formats/plan-manifest-dump.ts";
import { assert } from "../../lib/assert.ts";
import { readPosition } from "../../loading/position.ts";
import { planLoad } from "../../loading/plan-load.ts";
import { openTarget } from "../../loading/target.ts";
import { requireScratch } from "../../config/scratch.ts";
import { unwrap } from "../../rpc/outcome.ts";
import { type ProofState, startProof } from "../../rpc/proof-jobs.ts";
import type { JobLedger } from "../../rpc/run-jobs.ts";
import type { RunContext } from "../engine/run-context.ts";
import { makeManifest } from "../export/make-manifest.ts";
import { COMPARE_START, type CompareCursor, comparePieces } from "../restore/compare-pieces.ts";
import { toDifferenceError } from "../restore/difference.ts";
import { loadStretch, toPosition } from "../restore/load-step.ts";
import { locateDifference } from "../restore/locate-difference.ts";
import { planSecondDump } from "../restore/plan-second-dump.ts";
import { scanStored } from "../restore/scan-stored.ts";
import { findChangedPiece } from "./find-changed-piece.ts";
import { requireAffordableRows } from "./proof-cost.ts";

/** SQL text that one step compares. */
const STEP_BYTES = 64 * MIB;

/** What a step "prove restore" reports to the dashboard. */
export interface ProvedStep {
  did: ProofState["phase"];
  pieces: number;
  rows: number;
  isDone: boolean;
}

/** What all phases of a step work with. */
interface Proof {
  context: RunContext;
  ledger: JobLedger;
  /** What the dump is compared with: that of the job, which is not published yet. */
  manifest: ManifestV2;
  scratch: Source;
}

/**
 * Proves the next part of a job's stored dump: scans it, loads some of it into the job's scratch database, or compares
 * some of what was loaded with the dump. Repeating it continues.
 *
 * Errors: `restore-differs`, which names the place; `proof-too-large`; the source's and store's own.
 */
export async function proveStep(context: RunContext): Promise<ProvedStep> {
  const { jobs, runId, env } = context;
  requireScratch(env);
  const [ledger, started] = await Promise.all([jobs.ledger(runId), jobs.proof(runId)]);
  const proof = openProof(context, unwrap(ledger));
  const state = unwrap(started) ?? startProof(Date.now());
  try {
    const { phase, pieces, rows } = await advance(proof, state);
    return { did: state.phase, pieces, rows, isDone: phase === "equal" };
  } catch (error) {
    throw await explain(proof, error);
  }
}

function openProof(context: RunContext, ledger: JobLedger): Proof {
  const manifest = makeManifest(ledger, Date.now());
  // A deployment during the job may have changed the encoding.
  if (!canCompare(manifest)) {
    throw new ExportError(
      "restore-differs",
      "an earlier version of Durable Export wrote the dump, so this one cannot compare it",
    );
  }
  const { jobId } = ledger.job;
  const config = { type: "durable-object", binding: "EXPORT_SCRATCH", name: jobId } as const;
  const scratch = openSource(context.env, config, { name: jobId });
  return { context, ledger, manifest, scratch };
}

function advance(proof: Proof, state: ProofState): Promise<ProofState> {
  switch (state.phase) {
    case "scan":
      return scan(proof, state);
    case "load":
      return load(proof, state);
    case "compare":
      return compare(proof, state);
    case "differs":
      throw new ExportError("restore-differs", "the restored dump was found to differ before");
    case "equal":
      return Promise.resolve(state);
    default:
      return state.phase satisfies never;
  }
}

async function scan(proof: Proof, state: ProofState): Promise<ProofState> {
  const { context, ledger, scratch } = proof;
  const { store } = context;
  const [artifact] = ledger.artifacts;
  assert(artifact !== undefined, "an SQL dump has one artifact");
  const found = await store.find(artifact.objectKey);
  if (found === undefined) {
    throw new ExportError("artifact-missing", `${artifact.name} is not in the store`);
  }
  const file = {
    bytes: found.bytes,
    compression: ledger.job.request.compression,
    frames: proof.manifest.artifacts[0]?.chunks ?? null,
  };
  const { scanned, textBytes } = await scanStored(
    context,
    { key: artifact.objectKey, sha256: artifact.sha256 },
    file,
  );
  const script = {
    key: artifact.objectKey,
    etag: found.etag,
    ...file,
    frames:
      file.frames?.map((frame) => ({ bytes: frame.bytes, textBytes: frame.textBytes })) ?? null,
    textBytes,
    statements: scanned.end.statements,
    lines: scanned.end.lines,
    manifestKey: null,
  };
  // First, so that the object is discarded whatever happens next.
  const opened = await commit(proof, { ...state, isScratchOpen: true });
  await openTarget(scratch, ledger.job.jobId);
  return commit(proof, { ...opened, phase: "load", script, plan: planLoad(scanned, []) });
}

async function load(proof: Proof, recorded: ProofState): Promise<ProofState> {
  const { context, ledger, scratch } = proof;
  const { script, plan } = recorded;
  assert(script !== null && plan !== null, "a dump is scanned before it is loaded");
  const { jobId } = ledger.job;
  const state = await recordLoaded(proof, recorded);
  const { position, isDone, rowsRead, rowsWritten } = await loadStretch({
    source: scratch,
    store: context.store,
    restoreId: jobId,
    script,
    plan,
    from: state.position,
    beat: context.beat,
  });
  const loaded = await commit(
    proof,
    {
      ...state,
      phase: isDone ? "compare" : "load",
      position: toPosition(position),
      rowsWritten: state.rowsWritten + rowsWritten,
    },
    { rowsRead, rowsWritten },
  );
  // The estimate before the export knows neither search indexes nor tables without integer keys.
  requireAffordableRows(loaded.rowsWritten, context.config.proofRowsMax);
  return loaded;
}

/**
 * Commits what an attempt before this one has loaded. Otherwise the watchdog would take runs that are cut off within
 * one step for runs that make no progress.
 */
async function recordLoaded(proof: Proof, state: ProofState): Promise<ProofState> {
  const position = toPosition(await readPosition(proof.scratch, proof.ledger.job.jobId));
  const isKnown = JSON.stringify(position) === JSON.stringify(toPosition(state.position));
  return isKnown ? state : commit(proof, { ...state, position });
}

async function compare(proof: Proof, state: ProofState): Promise<ProofState> {
  const { manifest, scratch } = proof;
  const { store, beat } = proof.context;
  const planDump = await planSecondDump(scratch, { manifest, places: [] });
  const compared = await comparePieces(scratch, {
    manifest,
    artifact: 0,
    planDump,
    from: state.cursor === null ? COMPARE_START : (JSON.parse(state.cursor) as CompareCursor),
    textBytesMax: STEP_BYTES,
    locate: () =>
      locateDifference({ source: scratch, planDump, store, script: state.script, beat }),
    beat,
  });
  const { next, pieces, rows, rowsRead, difference } = compared;
  const phase = difference !== null ? "differs" : next === null ? "equal" : "compare";
  const done = await commit(
    proof,
    {
      ...state,
      phase,
      endedAtMs: next === null ? Date.now() : null,
      cursor: next === null ? null : JSON.stringify(next),
      pieces: state.pieces + pieces,
      rows: state.rows + rows,
    },
    { rowsRead, rowsWritten: 0 },
  );
  if (difference !== null) throw toDifferenceError(difference);
  return done;
}

async function commit(
  { context: { jobs, runId } }: Proof,
  state: ProofState,
  usage?: { rowsRead: number; rowsWritten: number },
): Promise<ProofState> {
  return unwrap(await jobs.commitProof(runId, state, usage));
}

/** What is wrong with a dump that cannot be loaded. Anything else that fails says nothing about the dump. */
const UNLOADABLE = new Set([
  "artifact-missing",
  "script-invalid",
  "script-changed",
  "statement-failed",
  "restore-differs",
]);

/** Returns an error's message without the refused statement: its text contains the database's rows. */
function describeRefusal({ message, details }: ExportError): string {
  const sql = details?.["sql"];
  return typeof sql === "string" && message.endsWith(`: ${sql}`)
    ? message.slice(0, -sql.length - 2)
    : message;
}

/**
 * Returns the error of a proof that failed. If the stored bytes are no longer those that were verified, the error
 * names the first chunk that changed, and the table of its rows.
 */
async function explain({ context, ledger }: Proof, error: unknown): Promise<unknown> {
  if (!(error instanceof ExportError) || !UNLOADABLE.has(error.code)) return error;
  const [artifact] = ledger.artifacts;
  if (artifact === undefined) return error;
  const { name, objectKey: key, pieces } = artifact;
  const at = await findChangedPiece(context.store, { key, pieces }, context.beat);
  const piece = at === undefined ? undefined : pieces[at];
  if (at === undefined || piece === undefined) {
    if (error.code === "restore-differs") return error;
    const message = `the dump cannot be restored: ${describeRefusal(error)}`;
    return new ExportError("restore-differs", message, { cause: error });
  }
  const { table, firstKey, lastKey } = piece;
  const range = firstKey === null ? "" : `, after key ${firstKey}`;
  return new ExportError(
    "restore-differs",
    `chunk ${at + 1} of ${pieces.length} of ${name} has changed since it was verified; ` +
      `it begins with rows of ${JSON.stringify(table)}${range}`,
    {
      cause: error,
      details: {
        table,
        ...(firstKey !== null && { firstKey }),
        ...(lastKey !== null && { lastKey }),
      },
    },
  );
}
