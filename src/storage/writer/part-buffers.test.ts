import { expect, test } from "vitest";

import { returnPartBuffer, takePartBuffer } from "./part-buffers.ts";

test("gives a returned buffer to the next who asks for its size, and to nobody else", () => {
  const buffer = takePartBuffer(7);
  returnPartBuffer(buffer);
  expect(takePartBuffer(8)).not.toBe(buffer);
  expect(takePartBuffer(7)).toBe(buffer);
  expect(takePartBuffer(7)).not.toBe(buffer);
});

test("keeps three buffers, the last ones returned", () => {
  const buffers = [1, 2, 3, 4].map(() => takePartBuffer(9));
  for (const buffer of buffers) returnPartBuffer(buffer);
  const again = [1, 2, 3].map(() => takePartBuffer(9));
  expect(new Set(again)).toEqual(new Set(buffers.slice(1)));
  expect(buffers).not.toContain(takePartBuffer(9));
});
