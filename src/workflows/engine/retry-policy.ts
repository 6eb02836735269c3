import type { WorkflowStepConfig } from "cloudflare:workers";

/**
 * Returns how a kind of step is retried: at most `limit` times after the first attempt, first after `delay`,
 * which doubles with each. One attempt may take `timeout`.
 */
export function defineRetryPolicy(policy: {
  limit: number;
  delay: `${number} seconds`;
  timeout: `${number} minutes` | `${number} minute`;
}): WorkflowStepConfig {
  const { limit, delay, timeout } = policy;
  return { retries: { limit, delay, backoff: "exponential" }, timeout };
}
