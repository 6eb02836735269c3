import type { WorkflowStep, WorkflowStepConfig } from "cloudflare:workers";

import type { ExportEnv } from "../../config/bindings.ts";
import type { RunStart } from "../../rpc/run-payload.ts";
import { runStepBody } from "./failure.ts";
import { type RunContext, openRunContext } from "./run-context.ts";
import { formatStepName } from "./step-name.ts";

/**
 * The steps of one Workflow instance. `Kind` lists what its steps do, and each kind has a retry policy. A Workflow
 * defines the kinds, their policies and the bodies; this module does everything else.
 */
export interface Steps<Kind extends string> {
  /**
   * Runs `body` as a step, or returns what the step returned before a replay. The step's name consists of its kind
   * and subject, which must come from recorded values. `parseFailure` reads the error of a failed step.
   */
  do: <T extends Rpc.Serializable<T>>(
    kind: Kind,
    subject: string,
    body: (env: ExportEnv) => Promise<T>,
  ) => Promise<T>;
  /** Like `run`, for bodies that work for a run. Each attempt gets its own context. */
  forRun: (runId: RunStart) => RunStep<Kind>;
  /** Sleeps, as a step with this name. */
  sleep: (name: string, ms: number) => Promise<void>;
}

/** Runs a step of a run. */
export type RunStep<Kind extends string> = <T extends Rpc.Serializable<T>>(
  kind: Kind,
  subject: string,
  body: (context: RunContext) => Promise<T>,
) => Promise<T>;

/** Returns the steps of the instance that `step` belongs to. */
export function openSteps<Kind extends string>(
  step: WorkflowStep,
  env: ExportEnv,
  policies: Record<Kind, WorkflowStepConfig>,
): Steps<Kind> {
  const steps: Steps<Kind> = {
    do: <T extends Rpc.Serializable<T>>(
      kind: Kind,
      subject: string,
      body: (env: ExportEnv) => Promise<T>,
    ) =>
      step.do<T>(formatStepName(kind, subject), policies[kind], ({ attempt }) =>
        runStepBody(attempt, () => body(env)),
      ),
    forRun: (runId) => (kind, subject, body) =>
      steps.do(kind, subject, async () => body(openRunContext(env, runId))),
    sleep: (name, ms) => step.sleep(name, ms),
  };
  return steps;
}
