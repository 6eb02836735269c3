import { expect, test } from "vitest";

import { STALL_SECONDS_DEFAULT, STALL_SECONDS_MIN } from "../../api/limits.ts";
import { getPollDelayMs } from "./poll-delay.ts";

test("waits double up to 20 seconds", () => {
  const stallMs = STALL_SECONDS_DEFAULT * 1_000;
  expect([1, 2, 3, 4, 5, 6, 1_000].map((number) => getPollDelayMs(number, stallMs))).toEqual([
    1_000, 2_000, 4_000, 8_000, 16_000, 20_000, 20_000,
  ]);
});

test("a wait is shorter than the silence that makes the watchdog act", () => {
  const stallMs = STALL_SECONDS_MIN * 1_000;
  expect(getPollDelayMs(1_000, stallMs)).toBeLessThan(stallMs / 2);
});
