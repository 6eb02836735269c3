import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from "cloudflare:workers";

import type { ErrorCode } from "../../api/error-codes.ts";
import type { Failure } from "../../api/errors.ts";
import type { ExportEnv } from "../../config/bindings.ts";
import {
  parseRunPayload,
  type RunId,
  type RunPayload,
  type RunStart,
} from "../../rpc/run-payload.ts";
import type { Copier } from "../../rpc/copy-jobs.ts";
import type { CopyPlan } from "../../rpc/run-jobs.ts";
import { fromRun, openCopyContext } from "../copying/copy-context.ts";
import { beginCopying, copyFiles, type CopySteps } from "../copying/copy-files.ts";
import { closeRunSnapshot, closeStreamSnapshot } from "../ending/close-snapshot.ts";
import { sendCallbacks } from "../ending/send-callbacks.ts";
import { parseFailure } from "../engine/failure.ts";
import type { RunContext } from "../engine/run-context.ts";
import { openSteps, type RunStep, type Steps } from "../engine/steps.ts";
import { FLEET_STEPS } from "../fleet/fleet-steps.ts";
import { runFleet } from "../fleet/run-fleet.ts";
import { proveStep } from "../proof/prove-step.ts";
import { RESTORE_STEPS } from "../restore/restore-steps.ts";
import { endRestore, runRestore } from "../restore/run-restore.ts";
import { sealStep } from "../sealing/seal-step.ts";
import { EXPORT_STEPS, type ExportStep } from "./export-steps.ts";
import { produceArtifacts } from "./produce-artifacts.ts";
import {
  completeJob,
  type Completed,
  publishForCopies,
  publishManifest,
} from "./publish-manifest.ts";

/** What an instance returns. */
type Ended = { jobId: string; status: string } | { streamId: string; status: string };

/**
 * One run of an export, a restore or a fleet, the cleanup after a job or a stream, or another attempt at copies. The names and order of
 * its steps come only from recorded values, so that the list of steps reads like a table of
 * contents, and a replay takes the same path.
 */
export class ExportWorkflow extends WorkflowEntrypoint<ExportEnv, RunPayload> {
  override async run(
    event: Readonly<WorkflowEvent<RunPayload>>,
    step: WorkflowStep,
  ): Promise<Ended> {
    const payload = parseRunPayload(event.payload);
    const steps = openSteps(step, this.env, EXPORT_STEPS);
    switch (payload.kind) {
      case "export":
        return runExport(steps, {
          jobId: payload.jobId,
          run: payload.run,
          rescuedFor: payload.rescuedFor,
        });
      case "ending":
        return endJob(steps, { jobId: payload.jobId, run: payload.run }, payload.callbackFrom);
      case "stream-ending":
        return endStream(steps, payload.streamId);
      case "copying": {
        const { jobId, run, copying } = payload;
        return copyLater(steps, { jobId, run, copying });
      }
      case "restore": {
        const { jobId, run, rescuedFor } = payload;
        return runRestore(openSteps(step, this.env, RESTORE_STEPS), { jobId, run, rescuedFor });
      }
      case "fleet": {
        const { jobId, run, rescuedFor } = payload;
        return runFleet(openSteps(step, this.env, FLEET_STEPS), { jobId, run, rescuedFor });
      }
      case "restore-ending": {
        const { jobId, run, callbackFrom } = payload;
        return endRestore(openSteps(step, this.env, RESTORE_STEPS), { jobId, run }, callbackFrom);
      }
      default:
        return payload satisfies never;
    }
  }
}

async function runExport(steps: Steps<ExportStep>, runId: RunStart): Promise<Ended> {
  const { jobId } = runId;
  const run = steps.forRun(runId);
  let published: Completed;
  try {
    const { proves, seals, copies } = await produceArtifacts(run);
    if (proves) await proveDump(run);
    if (seals) await sealArtifacts(run);
    published = await publish(run, copies);
  } catch (error) {
    const failure = parseFailure(error);
    // A failed close must not keep the job from ending.
    await run("close snapshot", "", closeRunSnapshot).catch(() => undefined);
    const { callback } = await run("give up", "", (context) => giveUp(context, failure));
    if (callback) await sendCallbacks(steps, { jobId, attempt: 1 });
    throw error;
  }
  // Outside the block: a callback that cannot be sent must not undo a completed job.
  if (published.callback) await sendCallbacks(steps, { jobId, attempt: 1 });
  return { jobId, status: "completed" };
}

/** Restores the stored dump into a scratch database, and compares the two. */
async function proveDump(run: RunStep<ExportStep>): Promise<void> {
  for (let number = 1; ; number += 1) {
    const { isDone } = await run("prove restore", String(number), proveStep);
    if (isDone) return;
  }
}

/** Replaces the artifacts by sealed ones. A proof needs the plain ones, so it comes first. */
async function sealArtifacts(run: RunStep<ExportStep>): Promise<void> {
  for (let number = 1; ; number += 1) {
    const { isDone } = await run("seal artifacts", String(number), sealStep);
    if (isDone) return;
  }
}

/** Copies the artifacts, publishes the manifest, copies it too, and completes the job. */
async function publish(run: RunStep<ExportStep>, copies: CopyPlan): Promise<Completed> {
  if (copies === null) return run("publish manifest", "", publishManifest);
  const copySteps: CopySteps = (kind, subject, body) =>
    run(kind, subject, (context) => body(fromRun(context)));
  await copyFiles(copySteps, copies.next);
  const { next } = await run("publish manifest", "", publishForCopies);
  await copyFiles(copySteps, next);
  return run("complete job", "", completeJob);
}

/** Tries the copies of a completed job again. Ends quietly if the job is gone. */
async function copyLater(steps: Steps<ExportStep>, copier: Copier): Promise<Ended> {
  const copySteps: CopySteps = (kind, subject, body) =>
    steps.do(kind, subject, (env) => body(openCopyContext(env, copier)));
  try {
    const { next } = await copySteps("copy", `again ${copier.copying}`, beginCopying);
    await copyFiles(copySteps, next);
  } catch (error) {
    if (parseFailure(error).code !== "run-superseded") throw error;
  }
  return { jobId: copier.jobId, status: "ended" };
}

/** What a step `give up` reports to the dashboard; `callback` is true if one must be sent. */
async function giveUp(
  { jobs, runId }: RunContext,
  failure: Failure,
): Promise<{ code: ErrorCode; message: string; callback: boolean }> {
  const { callback } = await jobs.fail(runId, failure);
  return { code: failure.code, message: failure.message, callback };
}

async function endJob(
  steps: Steps<ExportStep>,
  runId: RunId,
  callbackFrom: number,
): Promise<Ended> {
  const { jobId } = runId;
  // If the snapshot cannot be closed, the callback is still sent; the watchdog tries again.
  await steps
    .forRun(runId)("close snapshot", "", closeRunSnapshot)
    .catch(() => undefined);
  await sendCallbacks(steps, { jobId, attempt: callbackFrom });
  return { jobId, status: "ended" };
}

async function endStream(steps: Steps<ExportStep>, streamId: string): Promise<Ended> {
  await steps.do("close snapshot", "", (env) => closeStreamSnapshot(env, streamId));
  return { streamId, status: "ended" };
}
