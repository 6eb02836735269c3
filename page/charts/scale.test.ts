import fc from "fast-check";
import { expect, test } from "vitest";

import { listSecondTicks, listTicks, listTimes } from "./scale.ts";

test("ticks are round, start at zero and reach the largest value", () => {
  expect(listTicks(389)).toEqual([0, 100, 200, 300, 400]);
  expect(listTicks(0)).toEqual([0, 1]);
  expect(listSecondTicks(200)).toEqual([0, 60, 120, 180, 240]);
});

test("any largest value is below the last tick, and there are few ticks", () => {
  fc.assert(
    fc.property(fc.double({ min: 1e-6, max: 1e15, noNaN: true }), (max) => {
      const ticks = listTicks(max);
      expect(ticks[0]).toBe(0);
      expect(ticks.at(-1)).toBeGreaterThanOrEqual(max * 0.999);
      expect(ticks.length).toBeLessThanOrEqual(7);
    }),
  );
});

test("times of an axis are even, and there is one for a single instant", () => {
  expect(listTimes(0, 100, 3)).toEqual([0, 50, 100]);
  expect(listTimes(5, 5, 3)).toEqual([5]);
});
