import type { WorkflowStepConfig } from "cloudflare:workers";

import { defineRetryPolicy } from "../engine/retry-policy.ts";

/** Every kind of step of a restore, by the words that its name begins with. */
export type RestoreStep =
  | "scan script"
  | "start safety export"
  | "check safety export"
  | "open target"
  | "load"
  | "verify"
  | "close target"
  | "undo"
  | "complete restore"
  | "give up"
  | "send callback";

/**
 * How each kind is retried, and how long one attempt may take. Loading waits for a database; scanning and verifying
 * read a whole script or database.
 */
export const RESTORE_STEPS: Record<RestoreStep, WorkflowStepConfig> = {
  // Splitting 10 GB of text takes less than a minute of CPU. The text arrives as fast as the store sends it.
  "scan script": defineRetryPolicy({ limit: 5, delay: "2 seconds", timeout: "60 minutes" }),
  "start safety export": defineRetryPolicy({ limit: 8, delay: "2 seconds", timeout: "2 minutes" }),
  "check safety export": defineRetryPolicy({ limit: 8, delay: "2 seconds", timeout: "2 minutes" }),
  "open target": defineRetryPolicy({ limit: 5, delay: "2 seconds", timeout: "10 minutes" }),
  load: defineRetryPolicy({ limit: 8, delay: "2 seconds", timeout: "30 minutes" }),
  verify: defineRetryPolicy({ limit: 8, delay: "2 seconds", timeout: "10 minutes" }),
  "close target": defineRetryPolicy({ limit: 5, delay: "2 seconds", timeout: "10 minutes" }),
  undo: defineRetryPolicy({ limit: 8, delay: "2 seconds", timeout: "30 minutes" }),
  "complete restore": defineRetryPolicy({ limit: 8, delay: "2 seconds", timeout: "2 minutes" }),
  "give up": defineRetryPolicy({ limit: 8, delay: "2 seconds", timeout: "2 minutes" }),
  "send callback": defineRetryPolicy({ limit: 3, delay: "2 seconds", timeout: "1 minute" }),
};
