import type { WorkflowStepConfig } from "cloudflare:workers";

/**
 * Returns a kind of step's retry policy: at most `limit` retries after the first attempt. The first retry follows
 * after `delay`, which doubles each time. One attempt may take `timeout`.
 */
export function defineRetryPolicy(policy: {
  limit: number;
  delay: `${number} seconds`;
  timeout: `${number} minutes` | `${number} minute`;
}): WorkflowStepConfig {
  const { limit, delay, timeout } = policy;
  return { retries: { limit, delay, backoff: "exponential" }, timeout };
}
