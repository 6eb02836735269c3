import type { WorkflowStepConfig } from "cloudflare:workers";

import { defineRetryPolicy } from "../engine/retry-policy.ts";

/** Every kind of step of an export: the words with which its name begins. */
export type ExportStep =
  | "open snapshot"
  | "open artifact"
  | "export"
  | "complete artifact"
  | "close snapshot"
  | "verify artifact"
  | "prove restore"
  | "seal artifacts"
  | "copy"
  | "record failed copy"
  | "publish manifest"
  | "complete job"
  | "start over"
  | "give up"
  | "send callback";

/**
 * How each kind is retried, and how long one attempt may take. A step that may wait for a database
 * or for R2 gets more attempts, further apart. A step that only cleans up gets few, since the
 * watchdog repeats it.
 */
export const EXPORT_STEPS: Record<ExportStep, WorkflowStepConfig> = {
  "open snapshot": defineRetryPolicy({ limit: 5, delay: "2 seconds", timeout: "5 minutes" }),
  "open artifact": defineRetryPolicy({ limit: 5, delay: "2 seconds", timeout: "1 minute" }),
  // A chunk is some tens of MiB: seconds. Ten minutes allow for a store that hardly responds.
  export: defineRetryPolicy({ limit: 8, delay: "2 seconds", timeout: "10 minutes" }),
  "complete artifact": defineRetryPolicy({ limit: 8, delay: "2 seconds", timeout: "5 minutes" }),
  "close snapshot": defineRetryPolicy({ limit: 5, delay: "2 seconds", timeout: "5 minutes" }),
  // 10 GB are read back in one step, since a hash cannot be carried from step to step.
  "verify artifact": defineRetryPolicy({ limit: 3, delay: "5 seconds", timeout: "60 minutes" }),
  // Loading waits for the scratch database. The scan and the comparison read all of the dump.
  "prove restore": defineRetryPolicy({ limit: 8, delay: "2 seconds", timeout: "60 minutes" }),
  // A step seals 256 MiB, or works for a minute. A sealed file is read back in one step.
  "seal artifacts": defineRetryPolicy({ limit: 5, delay: "5 seconds", timeout: "60 minutes" }),
  // A step sends and reads back 256 MiB, or works for a minute. If a destination does not answer for
  // minutes, the watchdog tries the copy again later.
  copy: defineRetryPolicy({ limit: 4, delay: "5 seconds", timeout: "15 minutes" }),
  "record failed copy": defineRetryPolicy({ limit: 8, delay: "2 seconds", timeout: "2 minutes" }),
  "complete job": defineRetryPolicy({ limit: 8, delay: "2 seconds", timeout: "2 minutes" }),
  "publish manifest": defineRetryPolicy({ limit: 8, delay: "2 seconds", timeout: "2 minutes" }),
  "start over": defineRetryPolicy({ limit: 8, delay: "2 seconds", timeout: "2 minutes" }),
  "give up": defineRetryPolicy({ limit: 8, delay: "2 seconds", timeout: "2 minutes" }),
  // The receiver's reaction is a result of the step. The step is retried only if the jobs object is
  // out of reach.
  "send callback": defineRetryPolicy({ limit: 5, delay: "2 seconds", timeout: "1 minute" }),
};
