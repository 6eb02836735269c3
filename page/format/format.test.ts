import { expect, test } from "vitest";

import { DOLLARS } from "../../bench/costs.ts";
import { costOfUsage, PRICES } from "./cost.ts";
import { formatAge, formatDuration, formatRelative } from "./times.ts";
import { formatBytes, formatDollars, formatLargeCount, formatNumberOf } from "./units.ts";

test.each([
  [0, "0 B"],
  [389, "389 B"],
  [999.6, "1.00 kB"],
  [1_234_567, "1.23 MB"],
  [999_500_000, "1.00 GB"],
  [4.2e12, "4.20 TB"],
])("%d bytes are %s", (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test.each([
  [99_999, "99,999"],
  [123_456, "123 k"],
  [1_234_567, "1.23 M"],
  [2e9, "2.00 G"],
])("a count of %d is %s", (count, text) => {
  expect(formatLargeCount(count)).toBe(text);
});

test("one thing is singular", () => {
  expect([0, 1, 1_000].map((count) => formatNumberOf(count, "row"))).toEqual([
    "0 rows",
    "1 row",
    "1,000 rows",
  ]);
});

test.each([
  [50, "0.05 s"],
  [997, "1 s"],
  [5_240, "5.2 s"],
  [59_700, "1 min"],
  [62_000, "1 min 2 s"],
  [3_723_000, "1 h 2 min"],
  [3 * 86_400_000, "3 days"],
])("%d ms are %s", (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

test("an age is in its largest unit, and a time relative to now", () => {
  expect([40_000, 300_000, 6 * 3_600_000, 3 * 86_400_000].map(formatAge)).toEqual([
    "40 s",
    "5 min",
    "6 h",
    "3 days",
  ]);
  expect([995_000, 700_000, 1_300_000].map((at) => formatRelative(at, 1_000_000))).toEqual([
    "just now",
    "5 min ago",
    "in 5 min",
  ]);
});

test.each([
  [0, "$0"],
  [0.000_001, "under $0.00001"],
  [0.001_234, "$0.0012"],
  [1.5, "$1.50"],
])("%d dollars are %s", (dollars, text) => {
  expect(formatDollars(dollars)).toBe(text);
});

test("a job costs what docs/limits-and-costs.md charges", () => {
  expect(PRICES.rowsRead).toBeCloseTo(DOLLARS.rowRead, 15);
  expect(PRICES.rowsWritten).toBeCloseTo(DOLLARS.rowWritten, 15);
  expect(PRICES.steps).toBeCloseTo(DOLLARS.step, 15);
  expect(PRICES.r2ClassAOperations).toBeCloseTo(DOLLARS.r2ClassA, 15);
  const usage = { rowsRead: 1e6, rowsWritten: 1_000, steps: 100, r2ClassAOperations: 0 };
  expect(costOfUsage(usage)).toBeCloseTo(0.001 + 0.001 + 0.000_8);
});
