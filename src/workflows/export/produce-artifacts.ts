import type { ErrorCode } from "../../api/error-codes.ts";
import type { Failure } from "../../api/errors.ts";
import { MIB } from "../../api/limits.ts";
import type { NextAction } from "../../rpc/next-action.ts";
import { unwrap } from "../../rpc/outcome.ts";
import type { CopyPlan } from "../../rpc/run-jobs.ts";
import { closeRunSnapshot } from "../ending/close-snapshot.ts";
import { parseFailure } from "../engine/failure.ts";
import type { RunContext } from "../engine/run-context.ts";
import type { RunStep } from "../engine/steps.ts";
import {
  completeArtifact,
  openArtifact,
  type VerifyFrom,
  verifyArtifacts,
} from "./artifact-steps.ts";
import { beginExport } from "./begin-export.ts";
import { exportChunk } from "./export-chunk.ts";
import type { ExportStep } from "./export-steps.ts";
import { RunMemory } from "./run-memory.ts";

/**
 * Small artifacts are verified together in one step, up to this many bytes; a larger one has its
 * own step.
 */
const VERIFY_BYTES = 256 * MIB;

/**
 * Failures that a new snapshot can fix: the frozen data has changed, the code that writes is
 * different, or the stored data differs from what was written. The last case is a late part of a
 * killed attempt, or an upload or object that is gone.
 */
const STARTED_OVER: ReadonlySet<ErrorCode> = new Set([
  "snapshot-lost",
  "schema-changed",
  "plan-changed",
  "artifact-corrupt",
]);

/** What remains to be done with stored artifacts. */
interface Produced {
  /** True if the job must also be proved by a restore. */
  proves: boolean;
  /** True if the artifacts must also be sealed. */
  seals: boolean;
  /** Null if the job has no copies. */
  copies: CopyPlan;
}

/**
 * Exports until everything is stored and has been read back. A job that cannot continue with its
 * snapshot starts over with a new one, a few times; then it fails for that reason.
 */
export async function produceArtifacts(run: RunStep<ExportStep>): Promise<Produced> {
  for (let opening = 1; ; opening += 1) {
    try {
      return await produceOnce(run, opening === 1 ? "" : String(opening));
    } catch (error) {
      const reason = parseFailure(error);
      if (!STARTED_OVER.has(reason.code)) throw error;
      const { again } = await run("start over", String(opening), (context) =>
        startOver(context, { opening, reason }),
      );
      if (!again) throw error;
    }
  }
}

/**
 * Exports all artifacts from one snapshot. `opening` is empty the first time, then its number from
 * 2.
 */
async function produceOnce(run: RunStep<ExportStep>, opening: string): Promise<Produced> {
  const memory = new RunMemory();
  const begun = await run("open snapshot", opening, (context) => beginExport(context, memory));
  let next: NextAction = begun.next;
  while (next.do !== "finish") next = await perform(next, run, memory);
  // The export itself is finished: the watchdog's instances close a snapshot that could not be
  // closed here.
  await run("close snapshot", opening, closeRunSnapshot).catch(() => undefined);
  let verify: VerifyFrom = { ordinal: 0, artifact: next.artifact };
  for (;;) {
    const { next: after, copies } = await verifyFrom(verify, run);
    if (after === null) {
      // An instance that an earlier version began has recorded none of these.
      return {
        proves: begun.proves ?? false,
        seals: begun.seals ?? false,
        copies: copies ?? null,
      };
    }
    verify = after;
  }
}

async function perform(
  action: Exclude<NextAction, { do: "finish" }>,
  run: RunStep<ExportStep>,
  memory: RunMemory,
): Promise<NextAction> {
  switch (action.do) {
    case "open-artifact": {
      const opened = await run("open artifact", action.artifact, (context) =>
        openArtifact(context, action.ordinal),
      );
      return opened.next;
    }
    case "export": {
      const exported = await run("export", `${action.table} ${action.chunk}`, (context) =>
        exportChunk(context, action.checkpoint, memory),
      );
      return exported.next;
    }
    case "complete-artifact": {
      const completed = await run("complete artifact", action.artifact, (context) =>
        completeArtifact(context, action.ordinal),
      );
      return completed.next;
    }
    default:
      return action satisfies never;
  }
}

async function verifyFrom(
  { ordinal, artifact }: VerifyFrom,
  run: RunStep<ExportStep>,
): Promise<{ next: VerifyFrom | null; copies: CopyPlan }> {
  return run("verify artifact", artifact, (context) =>
    verifyArtifacts(context, ordinal, VERIFY_BYTES),
  );
}

/**
 * What a step "start over" reports to the dashboard; `again` is false if the job may not start
 * over.
 */
async function startOver(
  { jobs, runId }: RunContext,
  failed: { opening: number; reason: Failure },
): Promise<{ again: boolean; code: ErrorCode; message: string }> {
  const { again } = unwrap(await jobs.startOver(runId, failed));
  return { again, code: failed.reason.code, message: failed.reason.message };
}
