import { setTimeout as sleep } from "node:timers/promises";

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

/**
 * The wait before repeat number `attempt`, counted from 0: doubled each time, half of it random.
 */
export function backoffMs(policy: RetryPolicy, attempt: number): number {
  const ceiling = Math.min(policy.baseMs * 2 ** attempt, RETRY_WAIT_MS_MAX);
  return ceiling / 2 + Math.random() * (ceiling / 2);
}

/** `Retry-After` in milliseconds (RFC 9110, 10.2.3: seconds or a date), at most 5 min. */
export function retryAfterMs(header: string | null, nowMs: number): number | undefined {
  if (header === null) return undefined;
  const text = header.trim();
  const waitMs = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return Number.isNaN(waitMs) ? undefined : Math.min(Math.max(waitMs, 0), RETRY_AFTER_MS_MAX);
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
