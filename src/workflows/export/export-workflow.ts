import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from "cloudflare:workers";

import type { RunParams, StreamEnding } from "../../rpc/run-payload.ts";
import type { ExportEnv } from "../../config/bindings.ts";
import type { NextAction } from "../../rpc/next-action.ts";
import { unwrap } from "../../rpc/outcome.ts";
import { MIB } from "../../api/limits.ts";
import {
  completeArtifact,
  openArtifact,
  type VerifyFrom,
  verifyArtifacts,
} from "./artifact-steps.ts";
import { exportChunk } from "./export-chunk.ts";
import { failureOf } from "../engine/failure.ts";
import { beginExport } from "./begin-export.ts";
import { closeSnapshotOf, closeSnapshotOfStream } from "./close-snapshot.ts";
import { publishManifest } from "./publish-manifest.ts";
import { RETRY_POLICIES, type StepKind } from "../engine/retry-policy.ts";
import { sendCallbacks } from "./send-callback-steps.ts";
import { type RunContext, runContext, stepBody } from "../engine/run-context.ts";
import { stepName } from "../engine/step-name.ts";

/** Small artifacts are verified many in a step, up to this many bytes; a larger one has its own. */
const VERIFY_BYTES = 256 * MIB;

/**
 * One run of an export job, or the end of what a job or a stream has left. Its steps' names and order
 * come from recorded values alone, so that the list of steps reads like a table of contents, and a
 * replay walks the same way.
 */
export class ExportWorkflow extends WorkflowEntrypoint<ExportEnv, RunParams | StreamEnding> {
  override async run(
    event: Readonly<WorkflowEvent<RunParams | StreamEnding>>,
    step: WorkflowStep,
  ): Promise<{ jobId: string; status: string } | { streamId: string; status: string }> {
    const { payload } = event;
    if ("streamId" in payload) {
      const { streamId } = payload;
      await step.do("close snapshot", RETRY_POLICIES["close snapshot"], ({ attempt }) =>
        stepBody(attempt, () => closeSnapshotOfStream(this.env, streamId)),
      );
      return { streamId, status: "ended" };
    }
    const { callbackFrom, ...of } = payload;
    const context = (): RunContext => runContext(this.env, of);
    const run = <T extends Rpc.Serializable<T>>(
      kind: StepKind,
      subject: string,
      body: (context: RunContext) => Promise<T>,
    ): Promise<T> =>
      step.do<T>(stepName(kind, subject), RETRY_POLICIES[kind], ({ attempt }) =>
        stepBody(attempt, () => body(context())),
      );

    if (callbackFrom !== undefined) {
      // What keeps a snapshot open must not keep the callback from being sent; the watchdog tries again.
      await run("close snapshot", "", closeSnapshotOf).catch(() => undefined);
      await sendCallbacks(step, this.env, { ...of, attempt: callbackFrom });
      return { jobId: of.jobId, status: "ended" };
    }
    let published: { callback: boolean };
    try {
      await produceArtifacts(run);
      published = await run("publish manifest", "", publishManifest);
    } catch (error) {
      const failure = failureOf(error);
      // A close that fails is no reason to leave the job without its end.
      await run("close snapshot", "", closeSnapshotOf).catch(() => undefined);
      const { callback } = await run("give up", "", async ({ jobs }) => {
        const failed = await jobs.fail(of, failure);
        return { code: failure.code, message: failure.message, callback: failed.callback };
      });
      if (callback) await sendCallbacks(step, this.env, { ...of, attempt: 1 });
      throw error;
    }
    // Outside: a callback that cannot be sent must not undo a job that is completed.
    if (published.callback) await sendCallbacks(step, this.env, { ...of, attempt: 1 });
    return { jobId: of.jobId, status: "completed" };
  }
}

type Runner = <T extends Rpc.Serializable<T>>(
  kind: StepKind,
  subject: string,
  body: (context: RunContext) => Promise<T>,
) => Promise<T>;

/**
 * If a new snapshot can help: what was frozen is no longer what it was, the code that writes is
 * another, or what is stored is not what was written (a part of a killed try that came late, an upload or object that is gone).
 */
const STARTED_OVER: ReadonlySet<string> = new Set([
  "snapshot-lost",
  "schema-changed",
  "plan-changed",
  "artifact-corrupt",
]);

/**
 * Exports until everything is stored and has been read back. A job that cannot go on with its snapshot
 * begins again with a new one, a few times; then it fails for that reason.
 */
async function produceArtifacts(run: Runner): Promise<void> {
  for (let opening = 1; ; opening += 1) {
    const subject = opening === 1 ? "" : String(opening);
    try {
      let { next }: { next: NextAction } = await run("open snapshot", subject, beginExport);
      while (next.do !== "finish") next = await perform(next, run);
      // What is exported is exported: a snapshot that resists is closed by the watchdog's instances.
      await run("close snapshot", subject, closeSnapshotOf).catch(() => undefined);
      let verify: VerifyFrom | null = { ordinal: 0, artifact: next.artifact };
      while (verify !== null) verify = await verifyFrom(verify, run);
      return;
    } catch (error) {
      const failure = failureOf(error);
      if (!STARTED_OVER.has(failure.code)) throw error;
      const { again } = await run("start over", String(opening), async ({ jobs, of }) => {
        const started = unwrap(await jobs.startOver(of, { opening, reason: failure }));
        return { ...started, code: failure.code, message: failure.message };
      });
      if (!again) throw error;
    }
  }
}

async function perform(
  action: Exclude<NextAction, { do: "finish" }>,
  run: Runner,
): Promise<NextAction> {
  switch (action.do) {
    case "open-artifact":
      return (
        await run("open artifact", action.artifact, (ctx) => openArtifact(ctx, action.ordinal))
      ).next;
    case "export":
      return (
        await run("export", `${action.table} ${action.chunk}`, (ctx) =>
          exportChunk(ctx, action.checkpoint),
        )
      ).next;
    case "complete-artifact":
      return (
        await run("complete artifact", action.artifact, (ctx) =>
          completeArtifact(ctx, action.ordinal),
        )
      ).next;
    default:
      return action satisfies never;
  }
}

async function verifyFrom(
  { ordinal, artifact }: VerifyFrom,
  run: Runner,
): Promise<VerifyFrom | null> {
  const verified = await run("verify artifact", artifact, (context) =>
    verifyArtifacts(context, ordinal, VERIFY_BYTES),
  );
  return verified.next;
}
