import { expect, test } from "vitest";

import { forEachAtOnce } from "./for-each-at-once.ts";

test("each item is worked on once, in order, and never more than the bound at once", async () => {
  const items = Array.from({ length: 20 }, (_, n) => n);
  const begun: number[] = [];
  let underWay = 0;
  let most = 0;
  await forEachAtOnce(3, items, async (item) => {
    begun.push(item);
    most = Math.max(most, (underWay += 1));
    await new Promise((resolve) => setTimeout(resolve, item % 3));
    underWay -= 1;
  });
  expect(begun).toEqual(items);
  expect([most, underWay]).toEqual([3, 0]);
});

test("an item that hangs keeps only its own call busy", async () => {
  const done: number[] = [];
  void forEachAtOnce(2, [0, 1, 2, 3], async (item) => {
    if (item === 0) await new Promise(() => {});
    done.push(item);
  });
  await expect.poll(() => done).toEqual([1, 2, 3]);
});

test("an error is reported", async () => {
  const work = () => Promise.reject(new Error("no"));
  await expect(forEachAtOnce(2, [1, 2, 3], work)).rejects.toThrow("no");
});
