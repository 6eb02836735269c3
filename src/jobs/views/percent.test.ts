import fc from "fast-check";
import { expect, test } from "vitest";

import { measurePercentRead } from "./percent.ts";

const at = (literal: string) => [{ literal }];

test.each([
  [{ first: 1, last: 101 }, "1", 0],
  [{ first: 1, last: 101 }, "51", 50],
  [{ first: 1, last: 101 }, "101", 99.9],
  [{ first: 1, last: 101 }, "900", 99.9],
  [{ first: 1, last: 101 }, "-900", 0],
  [{ first: 5, last: 5 }, "5", 99.9],
  [{ first: 100, last: 0 }, "75", 25],
  [{ first: -(2 ** 63), last: 2 ** 63 }, "0", 50],
  [{ first: 0, last: 3 }, "1", 33.3],
])("in the range %o, key %s has %d percent behind it", (range, key, percent) => {
  expect(measurePercentRead(range, at(key))).toBe(percent);
});

test("nothing is told without a row, a range, or a number", () => {
  expect(measurePercentRead({ first: 1, last: 9 }, null)).toBeNull();
  expect(measurePercentRead({ first: null, last: null }, at("5"))).toBeNull();
  expect(measurePercentRead({ first: 1, last: 9 }, at("+CAST(X'41' AS TEXT)"))).toBeNull();
  expect(measurePercentRead({ first: 1, last: 9 }, [{ blob: "AA==" }])).toBeNull();
});

test("a later key never has less behind it, and none has a hundred percent", () => {
  const key = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
  fc.assert(
    fc.property(key, key, key, key, (a, b, c, d) => {
      const range = { first: Number(a < b ? a : b), last: Number(a < b ? b : a) };
      const low = measurePercentRead(range, at(String(c < d ? c : d))) ?? -1;
      const high = measurePercentRead(range, at(String(c < d ? d : c))) ?? -1;
      expect(low).toBeGreaterThanOrEqual(0);
      expect(high).toBeGreaterThanOrEqual(low);
      expect(high).toBeLessThan(100);
    }),
  );
});
