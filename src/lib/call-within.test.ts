import { expect, test, vi } from "vitest";

import { CallTimeout, callWithin } from "./call-within.ts";

test("gives what the work gives, and its error", async () => {
  expect(await callWithin(1_000, async () => 7)).toBe(7);
  await expect(callWithin(1_000, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
});

test("ends the wait for work that never answers", async () => {
  vi.useFakeTimers();
  const waited = callWithin(90_000, () => new Promise(() => {}));
  const refused = expect(waited).rejects.toThrow(new CallTimeout("no answer within 90 s"));
  await vi.advanceTimersByTimeAsync(90_000);
  await refused;
  vi.useRealTimers();
});
