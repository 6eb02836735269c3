import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CALLBACK_ATTEMPTS_MAX, chooseCallbackMove } from "./callback-schedule.ts";

const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;

const failedTry = { outcome: "retry", random: 0.5, localDevelopment: false } as const;

function delaysMs(options: { localDevelopment: boolean; random: number }): number[] {
  const delays: number[] = [];
  for (let attempt = 1; ; attempt++) {
    const move = chooseCallbackMove({ attempt, outcome: "retry", ...options });
    if (move.status !== "pending") return delays;
    delays.push(move.delayMs);
  }
}

describe("a callback's next move", () => {
  test("ends with a delivery, whichever try it is", () => {
    for (let attempt = 1; attempt <= CALLBACK_ATTEMPTS_MAX; attempt++) {
      const move = chooseCallbackMove({ ...failedTry, attempt, outcome: "delivered" });
      expect(move).toEqual({ status: "delivered" });
    }
  });

  test("ends at once where the receiver says that it is gone", () => {
    const move = chooseCallbackMove({ ...failedTry, attempt: 1, outcome: "gone", retryAfterMs: 5 });
    expect(move).toEqual({ status: "failed" });
  });

  test("waits three times as long after each failed try, up to four hours, and ends after ten", () => {
    expect(delaysMs(failedTry).map((ms) => ms / SECOND_MS)).toEqual([
      10, 30, 90, 270, 810, 2_430, 7_290, 14_400, 14_400,
    ]);
  });

  test("waits seconds in local development", () => {
    const delays = delaysMs({ localDevelopment: true, random: 0.5 });
    expect(delays.map((ms) => ms / SECOND_MS)).toEqual([1, 2, 4, 8, 10, 10, 10, 10, 10]);
  });

  test("spreads each wait by a fifth to either side", () => {
    const first = (random: number) => chooseCallbackMove({ ...failedTry, attempt: 1, random });
    expect(first(0)).toEqual({ status: "pending", delayMs: 8_000 });
    expect(first(0.999_999_999)).toEqual({ status: "pending", delayMs: 12_000 });
  });

  test("waits as long as the receiver asks, up to twelve hours", () => {
    const asked = (retryAfterMs: number) =>
      chooseCallbackMove({ ...failedTry, attempt: 1, retryAfterMs });
    expect(asked(HOUR_MS)).toEqual({ status: "pending", delayMs: HOUR_MS });
    expect(asked(100 * HOUR_MS)).toEqual({ status: "pending", delayMs: 12 * HOUR_MS });
  });

  test("waits at most a minute for the receiver in local development", () => {
    const move = chooseCallbackMove({
      ...failedTry,
      attempt: 1,
      localDevelopment: true,
      retryAfterMs: HOUR_MS,
    });
    expect(move).toEqual({ status: "pending", delayMs: 60 * SECOND_MS });
  });

  test("never waits less than its own backoff", () => {
    const move = chooseCallbackMove({ ...failedTry, attempt: 2, retryAfterMs: 0 });
    expect(move).toEqual({ status: "pending", delayMs: 30 * SECOND_MS });
  });

  test("is always bounded and whole", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        fc.option(fc.double({ min: 0, noNaN: true }), { nil: undefined }),
        fc.boolean(),
        (attempt, random, retryAfterMs, localDevelopment) => {
          const move = chooseCallbackMove({
            attempt,
            outcome: "retry",
            random,
            retryAfterMs,
            localDevelopment,
          });
          if (attempt >= CALLBACK_ATTEMPTS_MAX) return move.status === "failed";
          if (move.status !== "pending") return false;
          return (
            Number.isInteger(move.delayMs) && move.delayMs >= 800 && move.delayMs <= 12 * HOUR_MS
          );
        },
      ),
    );
  });

  test("counts tries from one", () => {
    expect(() => chooseCallbackMove({ ...failedTry, attempt: 0 })).toThrow("counted from 1");
  });
});
