import { ExportError } from "../../api/errors.ts";
import { type ExportEnv, getExportJobs } from "../../config/bindings.ts";
import { readSettings } from "../../config/settings.ts";
import type { Source } from "../../databases/source.ts";
import { planLoad } from "../../loading/plan-load.ts";
import { readScript } from "../../loading/read-script.ts";
import { scanScript } from "../../loading/scan-script.ts";
import { closeTarget, openClearedTarget } from "../../loading/target.ts";
import { LOAD_START, type ScriptRecord } from "../../rpc/load-plan.ts";
import type { RunningRestore } from "../../rpc/restore-jobs.ts";
import { findScript } from "../../storage/find-script.ts";
import { openArtifactStore } from "../../storage/open-artifact-store.ts";
import { openRequestedSource } from "../engine/run-context.ts";
import { loadStretch } from "./load-step.ts";

/** The result of a step "close target", for the dashboard. */
export interface ClosedTarget {
  /**
   * `emptied`: the target is as it was; `undone`: the safety export was restored; `left`: the target was left
   * unchanged.
   */
  target: "untouched" | "emptied" | "undone" | "left";
}

/**
 * Removes what a failed or cancelled restore left in its target. A target that was empty is empty again. A target
 * that was replaced gets its former content back if the request says `undoOnFailure`. Otherwise it keeps what was
 * loaded, and the safety export has the former content. Repeating it is harmless. Errors: those of the source and
 * the store.
 */
export async function closeRestore(
  env: ExportEnv,
  restore: RunningRestore,
  beat: () => Promise<void>,
): Promise<ClosedTarget> {
  if (!restore.isTargetOpen) return { target: "untouched" };
  const { jobId, request } = restore;
  const { target: source, name, id } = request;
  const target = openRequestedSource(env, readSettings(env), { source, name, id });
  const closed = await close(env, target, restore, beat);
  await getExportJobs(env).recordRestoreClosed(jobId);
  return { target: closed };
}

async function close(
  env: ExportEnv,
  target: Source,
  { jobId, request, state }: RunningRestore,
  beat: () => Promise<void>,
): Promise<ClosedTarget["target"]> {
  if (request.mode === "empty") {
    await closeTarget(target, jobId, state.kept);
    return "emptied";
  }
  const undoes = request.undoOnFailure && state.isCleared && state.safetyJobId !== null;
  if (!undoes) {
    await closeTarget(target, jobId, null);
    return "left";
  }
  await undo(env, target, { jobId, safetyJobId: state.safetyJobId as string, beat });
  return "undone";
}

/**
 * Replaces the target's content with a safety export. After an interruption, it resumes at the target's position.
 */
async function undo(
  env: ExportEnv,
  source: Source,
  { jobId, safetyJobId, beat }: { jobId: string; safetyJobId: string; beat: () => Promise<void> },
): Promise<void> {
  const restoreId = `${jobId} undo`;
  await closeTarget(source, jobId, []);
  const store = openArtifactStore(env);
  const jobs = getExportJobs(env);
  await openClearedTarget(source, restoreId, async () => {
    if ((await jobs.restoreToClose(jobId)) !== null) return;
    throw new ExportError("run-superseded", `restore ${jobId} has been cleaned up`);
  });
  const stored = await findScript(
    {
      store,
      findExport: (id) => jobs.download(id),
      fleetInfo: (id) => jobs.fleetInfo(id),
      memberRecords: (id, range) => jobs.memberRecords(id, range),
      useFile: () => Promise.reject(new Error("no file")),
    },
    { jobId: safetyJobId },
  );
  const file = { bytes: stored.bytes, compression: "gzip" as const, frames: null };
  const scanned = await scanScript(
    readScript((range) => store.read(stored.key, range), file, { from: 0 }),
    beat,
  );
  const script: ScriptRecord = {
    key: stored.key,
    etag: stored.etag,
    ...file,
    ...scanned.end,
    manifestKey: null,
  };
  const plan = planLoad(scanned, []);
  for (let from = LOAD_START; ;) {
    const { position, isDone } = await loadStretch({
      source,
      store,
      restoreId,
      script,
      plan,
      from,
      beat,
    });
    if (isDone) break;
    from = position;
  }
  await closeTarget(source, restoreId, null);
}
