import type { JobView } from "../../src/api/job-view.ts";

/**
 * Cloudflare's prices beyond what the paid plan includes, in dollars. docs/limits-and-costs.md lists them with their
 * sources, and a test compares them.
 */
export const PRICES = {
  rowsRead: 0.001 / 1e6,
  rowsWritten: 1 / 1e6,
  steps: 0.8 / 1e5,
  r2ClassAOperations: 4.5 / 1e6,
} as const satisfies Record<keyof JobView["usage"], number>;

/** Returns what a job's usage costs in dollars. Storage is extra. */
export function costOfUsage(usage: JobView["usage"]): number {
  return (Object.keys(PRICES) as (keyof typeof PRICES)[]).reduce(
    (sum, each) => sum + usage[each] * PRICES[each],
    0,
  );
}
