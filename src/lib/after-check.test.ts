import { expect, test } from "vitest";

import { afterCheck } from "./after-check.ts";

async function* count(to: number, error?: Error): AsyncGenerator<number> {
  for (let n = 1; n <= to; n += 1) yield n;
  if (error !== undefined) throw error;
}

async function collect(items: AsyncIterable<number>): Promise<number[]> {
  const found: number[] = [];
  for await (const item of items) found.push(item);
  return found;
}

test("yields everything after the check has passed, and nothing before", async () => {
  const check = Promise.withResolvers<void>();
  const found: number[] = [];
  const reading = (async () => {
    for await (const item of afterCheck(check.promise, count(3))) found.push(item);
  })();
  await new Promise((resolve) => {
    setTimeout(resolve, 20);
  });
  expect(found).toEqual([]);
  check.resolve();
  await reading;
  expect(found).toEqual([1, 2, 3]);
});

test.each([0, 2])("throws the check's error if there are %i items", async (items) => {
  const refused = new Error("refused");
  await expect(collect(afterCheck(Promise.reject(refused), count(items)))).rejects.toBe(refused);
});

test("throws the check's error if the items fail too", async () => {
  const refused = new Error("refused");
  const check = new Promise<void>((_, reject) => {
    setTimeout(() => reject(refused), 20);
  });
  await expect(collect(afterCheck(check, count(0, new Error("gone"))))).rejects.toBe(refused);
});

test("throws the items' error if the check passes", async () => {
  const gone = new Error("gone");
  await expect(collect(afterCheck(Promise.resolve(), count(1, gone)))).rejects.toBe(gone);
});
