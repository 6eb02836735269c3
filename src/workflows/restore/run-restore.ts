import type { ErrorCode } from "../../api/error-codes.ts";
import type { Failure } from "../../api/errors.ts";
import type { ExportEnv } from "../../config/bindings.ts";
import { getExportJobs } from "../../config/bindings.ts";
import { unwrap } from "../../rpc/outcome.ts";
import type { RunningRestore } from "../../rpc/restore-jobs.ts";
import type { RunId, RunStart } from "../../rpc/run-payload.ts";
import { sendCallbacks } from "../ending/send-callbacks.ts";
import { parseFailure } from "../engine/failure.ts";
import type { RunContext } from "../engine/run-context.ts";
import type { RunStep, Steps } from "../engine/steps.ts";
import { closeTarget } from "../../loading/target.ts";
import { closeRestore, type ClosedTarget } from "./close-restore.ts";
import { loadStep, openTargetStep } from "./load-step.ts";
import { RestoreRun } from "./restore-run.ts";
import type { RestoreStep } from "./restore-steps.ts";
import { checkSafetyExport, startSafetyExport } from "./safety-export.ts";
import { scanStep } from "./scan-step.ts";
import { verifyStep } from "./verify-step.ts";

/** The longest wait between two checks of a safety export, in milliseconds. */
const SAFETY_WAIT_MS_MAX = 20_000;

/**
 * One run of a restore: scan, safety export, load, verify. Every step resumes from what the job and the target
 * recorded, so a run that replaces another one skips the finished steps.
 */
export async function runRestore(
  steps: Steps<RestoreStep>,
  runId: RunStart,
): Promise<{ jobId: string; status: string }> {
  const { jobId } = runId;
  const run = steps.forRun(runId);
  let ended: { callback: boolean };
  try {
    await restore(steps, run);
    ended = await run("complete restore", "", completeStep);
  } catch (error) {
    const failure = parseFailure(error);
    // The job must end even if its target cannot be cleaned up. The watchdog cleans up later.
    await run("close target", "", closeStep).catch(() => undefined);
    const { callback } = await run("give up", "", (context) => giveUp(context, failure));
    if (callback) await sendCallbacks(steps, { jobId, attempt: 1 });
    throw error;
  }
  if (ended.callback) await sendCallbacks(steps, { jobId, attempt: 1 });
  return { jobId, status: "completed" };
}

/** Removes what an ended restore left in its target, and sends its callback. */
export async function endRestore(
  steps: Steps<RestoreStep>,
  { jobId }: RunId,
  callbackFrom: number,
): Promise<{ jobId: string; status: string }> {
  await steps.do("close target", "", (env) => closeEnded(env, jobId)).catch(() => undefined);
  await sendCallbacks(steps, { jobId, attempt: callbackFrom });
  return { jobId, status: "ended" };
}

async function restore(steps: Steps<RestoreStep>, run: RunStep<RestoreStep>): Promise<void> {
  const { isReplacing } = await run("scan script", "", scanStep);
  if (isReplacing) await exportFirst(steps, run);
  await run("open target", "", openTargetStep);
  for (let number = 1; ; number += 1) {
    const { isDone } = await run("load", String(number), loadStep);
    if (isDone) break;
  }
  for (let number = 1; ; number += 1) {
    const { isDone } = await run("verify", String(number), verifyStep);
    if (isDone) break;
  }
}

async function exportFirst(steps: Steps<RestoreStep>, run: RunStep<RestoreStep>): Promise<void> {
  await run("start safety export", "", startSafetyExport);
  for (let number = 1; ; number += 1) {
    const { isDone } = await run("check safety export", String(number), checkSafetyExport);
    if (isDone) return;
    await steps.sleep(
      `wait for safety export ${number}`,
      Math.min(SAFETY_WAIT_MS_MAX, 500 * 2 ** Math.min(number, 10)),
    );
  }
}

async function completeStep(
  context: RunContext,
): Promise<{ status: string; rows: number; callback: boolean }> {
  const { jobs, runId } = context;
  const begun = await jobs.beginRestoreRun(runId);
  // An earlier attempt may have completed the job and lost its answer.
  if (begun.ok) await closeKept(context);
  const view = unwrap(await jobs.completeRestore(runId));
  const { status, progress, callback } = view;
  return { status, rows: progress.rows, callback: callback.status === "pending" };
}

/** Drops only the restore's own tables. */
async function closeKept(context: RunContext): Promise<void> {
  const run = await RestoreRun.open(context);
  await closeTarget(run.openTarget(), run.restore.jobId, null);
}

async function closeStep(context: RunContext): Promise<ClosedTarget> {
  const { restore } = await RestoreRun.open(context);
  return closeRestore(context.env, restore, context.beat);
}

async function closeEnded(env: ExportEnv, jobId: string): Promise<ClosedTarget> {
  const restore = await getExportJobs(env).restoreToClose(jobId);
  if (restore === null) return { target: "untouched" };
  return closeRestore(env, restore, async () => {});
}

/** The result of a step `give up`, for the dashboard; `callback` is true if one must be sent. */
async function giveUp(
  { jobs, runId }: RunContext,
  thrown: Failure,
): Promise<{ code: ErrorCode; message: string; callback: boolean }> {
  const begun = await jobs.beginRestoreRun(runId);
  const recorded = begun.ok ? begun.value.state.failure : null;
  const failure = describeLoss(
    recorded?.code === thrown.code ? recorded : thrown,
    begun.ok ? begun.value : null,
  );
  const { callback } = await jobs.fail(runId, failure);
  return { code: failure.code, message: failure.message, callback };
}

/** If the restore deleted the target's former content, adds where to find it. */
function describeLoss(failure: Failure, restore: RunningRestore | null): Failure {
  if (restore === null || !restore.state.isCleared || restore.state.safetyJobId === null)
    return failure;
  const { safetyJobId } = restore.state;
  const what = restore.request.undoOnFailure
    ? `the former content was restored from safety export ${safetyJobId}, or will be`
    : `the former content is in safety export ${safetyJobId}: restore it with ` +
      `{"from": {"jobId": "${safetyJobId}"}, "mode": "replace"}`;
  return { ...failure, message: `${failure.message}; ${what}` };
}
