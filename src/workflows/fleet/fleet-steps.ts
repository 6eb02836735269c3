import type { WorkflowStepConfig } from "cloudflare:workers";

import { defineRetryPolicy } from "../engine/retry-policy.ts";
import { EXPORT_STEPS } from "../export/export-steps.ts";

/** Every kind of step of a fleet, by the words that its name begins with. */
export type FleetStep =
  | "list members"
  | "back up members"
  | "export large members"
  | "copy"
  | "record failed copy"
  | "publish manifest"
  | "complete fleet"
  | "give up"
  | "send callback";

/** How each kind is retried, and how long one attempt may take. */
export const FLEET_STEPS: Record<FleetStep, WorkflowStepConfig> = {
  // Cloudflare's API lists 10,000 objects in one call, and a query is read page by page.
  "list members": defineRetryPolicy({ limit: 5, delay: "2 seconds", timeout: "10 minutes" }),
  // A batch reads for a minute, and then waits for the members that it has begun, and for the store.
  "back up members": defineRetryPolicy({ limit: 8, delay: "2 seconds", timeout: "15 minutes" }),
  "export large members": defineRetryPolicy({
    limit: 8,
    delay: "2 seconds",
    timeout: "2 minutes",
  }),
  copy: EXPORT_STEPS.copy,
  "record failed copy": EXPORT_STEPS["record failed copy"],
  "complete fleet": EXPORT_STEPS["complete job"],
  "publish manifest": defineRetryPolicy({ limit: 8, delay: "2 seconds", timeout: "2 minutes" }),
  "give up": defineRetryPolicy({ limit: 8, delay: "2 seconds", timeout: "2 minutes" }),
  "send callback": defineRetryPolicy({ limit: 5, delay: "2 seconds", timeout: "1 minute" }),
};
