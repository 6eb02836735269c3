import type { WorkflowStepConfig } from "cloudflare:workers";

import type { ErrorCode } from "../../api/errors.ts";

/** Every step of a run, by the verb its name begins with. */
export type StepKind =
  | "open snapshot"
  | "open artifact"
  | "export"
  | "complete artifact"
  | "close snapshot"
  | "verify artifact"
  | "publish manifest"
  | "start over"
  | "give up"
  | "send callback";

/**
 * How each step is tried again, and how long one try may take. `limit` counts the tries after the
 * first. A step whose work may wait for a database or for R2 gets more tries, further apart; one
 * that only cleans up gets few, since the watchdog repeats it.
 */
export const RETRY_POLICIES: Record<StepKind, WorkflowStepConfig> = {
  "open snapshot": policy({ limit: 5, delay: "2 seconds", timeout: "5 minutes" }),
  "open artifact": policy({ limit: 5, delay: "2 seconds", timeout: "1 minute" }),
  // A chunk is some tens of MiB: seconds. Ten minutes is for a store that hardly answers.
  export: policy({ limit: 8, delay: "2 seconds", timeout: "10 minutes" }),
  "complete artifact": policy({ limit: 8, delay: "2 seconds", timeout: "5 minutes" }),
  "close snapshot": policy({ limit: 5, delay: "2 seconds", timeout: "5 minutes" }),
  // 10 GB are read back in one step, since a hash cannot be carried from step to step.
  "verify artifact": policy({ limit: 3, delay: "5 seconds", timeout: "60 minutes" }),
  "publish manifest": policy({ limit: 8, delay: "2 seconds", timeout: "2 minutes" }),
  "start over": policy({ limit: 8, delay: "2 seconds", timeout: "2 minutes" }),
  "give up": policy({ limit: 8, delay: "2 seconds", timeout: "2 minutes" }),
  // What a receiver does is a result of the step; it is tried again only where the job is out of reach.
  "send callback": policy({ limit: 5, delay: "2 seconds", timeout: "1 minute" }),
};

/**
 * Attempts of one step that may end by an error, if they are fewer than the step's policy allows. A query
 * that takes up to 90 s keeps other callers of its database waiting.
 */
export const ATTEMPTS_MAX: Partial<Record<ErrorCode, number>> = { "source-timeout": 4 };

function policy(values: {
  limit: number;
  delay: `${number} seconds`;
  timeout: `${number} minutes` | `${number} minute`;
}): WorkflowStepConfig {
  const { limit, delay, timeout } = values;
  return { retries: { limit, delay, backoff: "exponential" }, timeout };
}
