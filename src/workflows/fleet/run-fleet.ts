import type { ErrorCode } from "../../api/error-codes.ts";
import type { Failure } from "../../api/errors.ts";
import type { RunStart } from "../../rpc/run-payload.ts";
import type { CopyPlan } from "../../rpc/run-jobs.ts";
import { fromRun } from "../copying/copy-context.ts";
import { copyFiles, type CopySteps } from "../copying/copy-files.ts";
import { sendCallbacks } from "../ending/send-callbacks.ts";
import { parseFailure } from "../engine/failure.ts";
import type { RunContext } from "../engine/run-context.ts";
import type { RunStep, Steps } from "../engine/steps.ts";
import { batchStep } from "./batch-step.ts";
import { exportsStep } from "./exports-step.ts";
import type { FleetStep } from "./fleet-steps.ts";
import { listStep } from "./list-step.ts";
import {
  type CompletedFleet,
  completeFleet,
  publishFleet,
  publishFleetForCopies,
} from "./publish-fleet.ts";

/**
 * One run of a fleet: list the members, back them up batch by batch, wait for the exports of large members, copy the
 * packs, publish the manifest. Every step resumes from what the fleet has recorded, so a run that replaces another one
 * skips what is done.
 */
export async function runFleet(
  steps: Steps<FleetStep>,
  runId: RunStart,
): Promise<{ jobId: string; status: string }> {
  const { jobId } = runId;
  const run = steps.forRun(runId);
  let ended: CompletedFleet;
  try {
    ended = await publish(run, await backUpAll(steps, run));
  } catch (error) {
    const failure = parseFailure(error);
    const { callback } = await run("give up", "", (context) => giveUp(context, failure));
    if (callback) await sendCallbacks(steps, { jobId, attempt: 1 });
    throw error;
  }
  if (ended.callback) await sendCallbacks(steps, { jobId, attempt: 1 });
  return { jobId, status: "completed" };
}

/** Backs up all members, and returns what must be copied. */
async function backUpAll(steps: Steps<FleetStep>, run: RunStep<FleetStep>): Promise<CopyPlan> {
  const { batches } = await run("list members", "", listStep);
  for (let number = batches + 1; ; number += 1) {
    const { isDone } = await run("back up members", String(number), (context) =>
      batchStep(context, number),
    );
    if (isDone) break;
  }
  for (let number = 1; ; number += 1) {
    const { isDone, copies, waitMs } = await run(
      "export large members",
      String(number),
      (context) => exportsStep(context, number),
    );
    if (isDone) return copies;
    await steps.sleep(`wait for large members ${number}`, waitMs);
  }
}

/** Copies the packs with their indexes, publishes the manifest, copies it too, and completes the fleet. */
async function publish(run: RunStep<FleetStep>, copies: CopyPlan): Promise<CompletedFleet> {
  if (copies === null) return run("publish manifest", "", publishFleet);
  const copySteps: CopySteps = (kind, subject, body) =>
    run(kind, subject, (context) => body(fromRun(context)));
  await copyFiles(copySteps, copies.next);
  const { next } = await run("publish manifest", "", publishFleetForCopies);
  await copyFiles(copySteps, next);
  return run("complete fleet", "", completeFleet);
}

/** The result of a step `give up`, for the dashboard; `callback` is true if one must be sent. */
async function giveUp(
  { jobs, runId }: RunContext,
  failure: Failure,
): Promise<{ code: ErrorCode; message: string; callback: boolean }> {
  const { callback } = await jobs.fail(runId, failure);
  return { code: failure.code, message: failure.message, callback };
}
