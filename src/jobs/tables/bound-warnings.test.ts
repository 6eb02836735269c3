import { expect, test } from "vitest";

import { boundWarnings, WARNINGS_MAX } from "./bound-warnings.ts";

const many = Array.from({ length: 5_000 }, (_, n) => `warning ${n}`);

test("a bounded list counts what it leaves out, and stays as it is", () => {
  const bounded = boundWarnings(many);
  expect(bounded).toHaveLength(WARNINGS_MAX);
  expect(bounded.at(-1)).toBe(`${5_000 - WARNINGS_MAX + 1} more warnings are left out`);
  expect(boundWarnings(bounded)).toEqual(bounded);
});

test("a list that is short enough loses nothing", () => {
  expect(boundWarnings(many.slice(0, WARNINGS_MAX))).toEqual(many.slice(0, WARNINGS_MAX));
});

test("a long warning is cut between characters", () => {
  const [cut = ""] = boundWarnings(["😀".repeat(2_000)]);
  expect(cut.length).toBeLessThanOrEqual(1_000);
  expect(cut.isWellFormed()).toBe(true);
});
