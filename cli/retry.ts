import { setTimeout as sleep } from "node:timers/promises";

import { parseRetryAfterMs } from "../src/lib/retry-after.ts";
import { Interrupted } from "./cli-error.ts";

/** How a call that failed for a temporary reason is retried. */
export interface RetryPolicy {
  /** Attempts after the first one. */
  retries: number;
  /** The wait before the first repeat; doubles each time. */
  baseMs: number;
}

export const RETRY_BASE_MS = 500;
const RETRY_WAIT_MS_MAX = 30_000;
/** If a server requests a longer wait, this one is used instead. */
const RETRY_AFTER_MS_MAX = 300_000;

/** The wait before repeat number `attempt`, counted from 0. It doubles each time, and half of it is random. */
export function backoffMs(policy: RetryPolicy, attempt: number): number {
  const ceiling = Math.min(policy.baseMs * 2 ** attempt, RETRY_WAIT_MS_MAX);
  return ceiling / 2 + Math.random() * (ceiling / 2);
}

/** Returns `Retry-After` in milliseconds, at most 5 min; undefined if it is missing or neither seconds nor a date. */
export function retryAfterMs(header: string | null, nowMs: number): number | undefined {
  const waitMs = parseRetryAfterMs(header, nowMs);
  return waitMs === undefined ? undefined : Math.min(waitMs, RETRY_AFTER_MS_MAX);
}

/** Waits; throws `Interrupted` immediately if the user asks to stop. */
export async function wait(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch (cause) {
    if (signal.aborted) throw new Interrupted();
    throw cause;
  }
}
