import type { WorkflowEvent, WorkflowStep, WorkflowStepConfig } from "cloudflare:workers";

import { parseRunPayload, type RunPayload } from "../../src/rpc/run-payload.ts";
import { ExportWorkflow } from "../../src/workflows/export/export-workflow.ts";

/**
 * How the first attempt of a step fails:
 * - `before`: it ends before its work begins.
 * - `after`: its work is done, and its answer is lost.
 * - `timeout`: its time is up before its work begins, and the work is still done after the next
 *   attempt has ended: what a killed attempt sends arrives after its retry's.
 * - `beside`: its time is up, and its work is done while the next attempt does the same.
 */
export const FAULTS = ["before", "after", "timeout", "beside"] as const;
export type Fault = (typeof FAULTS)[number];

/** Replaces the platform's `step.do`. */
type Do = (
  name: string,
  config: WorkflowStepConfig,
  body: (context: StepContext) => Promise<unknown>,
) => Promise<unknown>;

/** What the platform passes to each attempt. */
type StepContext = { attempt: number };

/** Makes `doOf` create each instance's `step.do`. Returns a function that stops it. */
function changeSteps(doOf: (step: WorkflowStep, payload: RunPayload) => Do): () => void {
  const { prototype } = ExportWorkflow;
  const descriptor = Object.getOwnPropertyDescriptor(prototype, "run") as PropertyDescriptor;
  const realRun = descriptor.value as ExportWorkflow["run"];
  prototype.run = function (this: ExportWorkflow, event: WorkflowEvent<RunPayload>, step) {
    // The engine's step is a stub of another process, whose methods can only be called.
    const sleep: WorkflowStep["sleep"] = (name, duration) => step.sleep(name, duration);
    const changed = { do: doOf(step, parseRunPayload(event.payload)), sleep };
    return realRun.call(this, event, changed as unknown as WorkflowStep);
  };
  return () => Object.defineProperty(prototype, "run", descriptor);
}

/**
 * Makes the selected steps wait for an hour; `reached` lists the steps that have started. Poll it:
 * a promise that a run settles continues in the run's context, and ends with it.
 */
export function hangSteps(isMeant: (name: string, run: number) => boolean): {
  reached: string[];
  restore: () => void;
} {
  const reached: string[] = [];
  const restore = changeSteps((step, payload) => async (name, config, body) => {
    if (payload.kind === "stream-ending" || !isMeant(name, payload.run))
      return step.do(name, config, body as never);
    reached.push(name);
    return step.sleep(`instead of ${name}`, "1 hour");
  });
  return { reached, restore };
}

/** Collects what all steps record: their results, and the messages of their errors. */
export function recordSteps(): { recorded: string[]; restore: () => void } {
  const recorded: string[] = [];
  const restore = changeSteps((step) => (name, config, body) => {
    const kept = async (context: StepContext): Promise<unknown> => {
      try {
        const result = await body(context);
        recorded.push(`${name}: ${JSON.stringify(result)}`);
        return result;
      } catch (error) {
        recorded.push(`${name}: ${String(error)}`);
        throw error;
      }
    };
    return step.do(name, config, kept as never);
  });
  return { recorded, restore };
}

/** Long enough for a step's work on a busy machine, short enough to wait for. */
const TIMEOUT = "2 seconds";

export interface StepFaults {
  /** Names of all steps that have started, once per attempt. */
  tries: string[];
  /** Stops the injection; resolves when every late attempt has ended. */
  restore: () => Promise<void>;
}

/**
 * Makes every run's steps whose names `isMeant` selects fail once with `fault`; retries follow
 * immediately. The platform's own engine runs the steps, records their results and ends their time.
 */
export function failSteps(
  isMeant: (name: string) => boolean,
  fault: Fault,
  timeLimit: `${number} seconds` = TIMEOUT,
): StepFaults {
  const tries: string[] = [];
  const late: Promise<unknown>[] = [];
  const failed = new Set<string>();
  /** Work that waits for the next attempt of a step. */
  const nextTries = new Map<string, { begun: () => void; ended: () => void }>();
  const later = (name: string, body: () => Promise<unknown>): Promise<unknown> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const nothing = (): void => {};
    nextTries.set(
      name,
      fault === "beside" ? { begun: resolve, ended: nothing } : { begun: nothing, ended: resolve },
    );
    const work = promise.then(body);
    late.push(work.catch(() => undefined));
    return work;
  };
  const restore = changeSteps((step) => (name, config, body) => {
    const faulty = async (context: StepContext): Promise<unknown> => {
      const work = (): Promise<unknown> => body(context);
      tries.push(name);
      if (isMeant(name) && !failed.has(name)) {
        failed.add(name);
        if (fault === "timeout" || fault === "beside") return later(name, work);
        if (fault === "after") await work();
        throw new Error(`injected: the try ends ${fault} its work`);
      }
      const next = nextTries.get(name);
      next?.begun();
      try {
        return await work();
      } finally {
        next?.ended();
      }
    };
    const retries = { ...config.retries, limit: config.retries?.limit ?? 0, delay: 1 };
    const isLimited = isMeant(name) && (fault === "timeout" || fault === "beside");
    const timeout = isLimited ? { timeout: timeLimit } : {};
    return step.do(name, { ...config, retries, ...timeout } as WorkflowStepConfig, faulty as never);
  });
  return {
    tries,
    restore: async () => {
      restore();
      await Promise.all(late);
    },
  };
}

/** Runs `work` within the selected steps, before their own work, once each. Returns a function that stops it. */
export function beforeSteps(
  isMeant: (name: string) => boolean,
  work: () => Promise<unknown>,
): () => void {
  const done = new Set<string>();
  return changeSteps((step) => (name, config, body) => {
    const changed = async (context: StepContext): Promise<unknown> => {
      if (isMeant(name) && !done.has(name)) {
        done.add(name);
        await work();
      }
      return body(context);
    };
    return step.do(name, config, changed as never);
  });
}
