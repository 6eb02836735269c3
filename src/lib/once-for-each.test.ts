import { expect, test } from "vitest";

import { onceForEach } from "./once-for-each.ts";

test("makes each object's result once", () => {
  let calls = 0;
  const read = onceForEach(() => (calls += 1));
  const [first, second] = [{}, {}];
  expect([read(first), read(first), read(second), read(first)]).toEqual([1, 1, 2, 1]);
});

test("repeats an error without another attempt", () => {
  let calls = 0;
  const read = onceForEach(() => {
    calls += 1;
    throw new Error(`attempt ${calls}`);
  });
  const from = {};
  expect(() => read(from)).toThrow("attempt 1");
  expect(() => read(from)).toThrow("attempt 1");
});
