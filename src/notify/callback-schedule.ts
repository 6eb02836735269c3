import type { CallbackMove } from "../rpc/callback-move.ts";
import { assert } from "../lib/assert.ts";

/** How many times a callback is attempted before it counts as failed. */
export const CALLBACK_ATTEMPTS_MAX = 10;

/** How waits between attempts grow, in milliseconds. */
interface CallbackPace {
  firstDelayMs: number;
  /** Each wait is this many times the previous one, up to `delayMsMax`. */
  growth: number;
  delayMsMax: number;
  /** The longest wait that a receiver can request with `Retry-After`. */
  retryAfterMsMax: number;
}

const SECOND_MS = 1_000;
const HOUR_MS = 3_600 * SECOND_MS;

/** Nine waits of 10 s, 30 s, 90 s, … 2 h, 4 h, 4 h: a receiver may be down for about 11 hours. */
const DEPLOYED_PACE: CallbackPace = {
  firstDelayMs: 10 * SECOND_MS,
  growth: 3,
  delayMsMax: 4 * HOUR_MS,
  retryAfterMsMax: 12 * HOUR_MS,
};

/** Nine waits of 1 s, 2 s, 4 s, 8 s, 10 s, …: about a minute. */
const LOCAL_PACE: CallbackPace = {
  firstDelayMs: SECOND_MS,
  growth: 2,
  delayMsMax: 10 * SECOND_MS,
  retryAfterMsMax: 60 * SECOND_MS,
};

/** Waits vary by this fraction in either direction, so that callbacks do not all arrive at once. */
const JITTER = 0.2;

/** How an attempt ended: `delivered` for 2xx, `gone` for 410, otherwise `retry`. */
export type CallbackOutcome = "delivered" | "gone" | "retry";

/**
 * Returns what follows attempt number `attempt` (from 1). The wait is exponential with jitter from
 * `random` in [0, 1), and not shorter than the receiver's `Retry-After`, up to `retryAfterMsMax`.
 */
export function chooseCallbackMove(given: {
  attempt: number;
  outcome: CallbackOutcome;
  retryAfterMs?: number | undefined;
  random: number;
  localDevelopment: boolean;
}): CallbackMove {
  const { attempt, outcome, retryAfterMs = 0, random, localDevelopment } = given;
  assert(Number.isInteger(attempt) && attempt >= 1, "a callback's attempts are counted from 1");
  assert(random >= 0 && random < 1, "random lies in [0, 1)");
  if (outcome === "delivered") return { status: "delivered" };
  if (outcome === "gone" || attempt >= CALLBACK_ATTEMPTS_MAX) return { status: "failed" };

  const pace = localDevelopment ? LOCAL_PACE : DEPLOYED_PACE;
  const plainMs = Math.min(pace.firstDelayMs * pace.growth ** (attempt - 1), pace.delayMsMax);
  const spreadMs = plainMs * (1 + JITTER * (2 * random - 1));
  const askedMs = Math.min(retryAfterMs, pace.retryAfterMsMax);
  return { status: "pending", delayMs: Math.ceil(Math.max(spreadMs, askedMs)) };
}
