import { ExportError } from "../../api/errors.ts";
import { MIB } from "../../api/limits.ts";
import type { Source } from "../../databases/source.ts";
import { type Loaded, loadScript } from "../../loading/load-script.ts";
import { readScript } from "../../loading/read-script.ts";
import { readPosition } from "../../loading/position.ts";
import { openClearedTarget, openTarget } from "../../loading/target.ts";
import type { LoadPlan, LoadPosition, ScriptRecord } from "../../rpc/load-plan.ts";
import type { ArtifactStore } from "../../storage/artifact-store.ts";
import { readStored } from "../../storage/read-stored.ts";
import type { RunContext } from "../engine/run-context.ts";
import { RestoreRun } from "./restore-run.ts";

/** How much SQL text one step loads. */
const STEP_BYTES = 32 * MIB;

/**
 * Every step reads a compressed file from its start if its frames are unknown. Loading a share of what was read
 * keeps the total linear.
 */
const REREAD_SHARE = 4;

/** The result of a step "load", for the dashboard. */
export interface LoadedStep {
  statements: number;
  rows: number;
  textBytes: number;
  isDone: boolean;
}

/**
 * Prepares the target: creates its position and, with `replace`, deletes everything in it. Repeated or late calls
 * change nothing.
 */
export async function openTargetStep(context: RunContext): Promise<{ isCleared: boolean }> {
  const run = await RestoreRun.open(context);
  const clears = run.restore.request.mode === "replace";
  // A target that was opened once is not opened again, because its current content must stay.
  if (run.state.loadingSinceMs > 0) return { isCleared: run.state.isCleared };
  // Comes first, so that the target is cleaned up whatever happens next.
  if (!run.restore.isTargetOpen) {
    await run.commit(
      { phase: clears ? "clear" : "load", isCleared: clears },
      { isTargetOpen: true },
    );
  }
  const { jobId } = run.restore;
  // A commit is refused to an attempt that another one has overtaken.
  if (clears) await openClearedTarget(run.openTarget(), jobId, () => run.commit({}));
  else await openTarget(run.openTarget(), jobId);
  await run.commit({ phase: "load", loadingSinceMs: Date.now() });
  return { isCleared: clears };
}

/** Loads the next stretch of the script. Repeating it loads the stretch after that. */
export function loadStep(context: RunContext): Promise<LoadedStep> {
  return RestoreRun.perform(context, load);
}

async function load(run: RestoreRun): Promise<LoadedStep> {
  const { context } = run;
  if (run.state.phase === "verify") return toStep(run.state.position, true);
  const script = run.require("script");
  const source = run.openTarget();
  await recordProgress(run, source);
  const loaded = await loadStretch({
    source,
    store: context.store,
    restoreId: run.restore.jobId,
    script,
    plan: run.require("plan"),
    from: run.state.position,
    beat: context.beat,
  });
  const { position, isDone, rowsRead, rowsWritten } = loaded;
  await run.commit(
    { position: toPosition(position), move: position.move, phase: isDone ? "verify" : "load" },
    { usage: { rowsRead, rowsWritten, r2ClassAOperations: 0 } },
  );
  return toStep(position, isDone);
}

/**
 * Commits what an attempt before this one has loaded. Otherwise the watchdog would take runs that are cut off
 * within one step for runs that make no progress.
 */
async function recordProgress(run: RestoreRun, source: Source): Promise<void> {
  const stored = await readPosition(source, run.restore.jobId);
  const [position, { move }] = [toPosition(stored), stored];
  const { state } = run;
  const isKnown = JSON.stringify(position) === JSON.stringify(toPosition(state.position));
  if (isKnown && move === state.move) return;
  await run.commit({ position, move });
}

function toStep({ statements, rows, textBytes }: LoadPosition, isDone: boolean): LoadedStep {
  return { statements, rows, textBytes, isDone };
}

/**
 * Loads a stretch of a stored script. Errors: `script-changed` if the script was replaced; those of `loadScript`.
 */
export async function loadStretch(stretch: {
  source: Source;
  store: ArtifactStore;
  restoreId: string;
  script: ScriptRecord;
  plan: LoadPlan;
  /** The target's approximate position. */
  from: LoadPosition;
  beat: () => Promise<void>;
}): Promise<Loaded> {
  const { source, store, restoreId, script, plan, from, beat } = stretch;
  const found = await store.find(script.key);
  if (found?.etag !== script.etag) {
    throw new ExportError("script-changed", "the stored script was replaced or deleted");
  }
  const rereads = script.compression !== "none" && script.frames === null;
  return loadScript({
    target: { source, restoreId },
    plan,
    end: script,
    read: (place) =>
      readScript((range) => readStored(store, script, range), script, { from: place.textBytes }),
    textBytesMax: rereads
      ? Math.max(STEP_BYTES, Math.ceil(from.textBytes / REREAD_SHARE))
      : STEP_BYTES,
    beat,
  });
}

/** Returns the part of a position that jobs record. */
export function toPosition({
  pass,
  textBytes,
  statements,
  lines,
  rows,
  moves,
}: LoadPosition): LoadPosition {
  return { pass, textBytes, statements, lines, rows, moves };
}
