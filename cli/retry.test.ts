import { expect, test } from "vitest";

import { Interrupted } from "./cli-error.ts";
import { backoffMs, retryAfterMs, wait } from "./retry.ts";

const NOW_MS = Date.parse("2026-11-01T00:00:00Z");

test.each([
  [null, undefined],
  ["", undefined],
  ["soon", undefined],
  ["0", 0],
  ["7", 7_000],
  ["Sun, 01 Nov 2026 00:00:09 GMT", 9_000],
  ["Sun, 01 Nov 2020 00:00:09 GMT", 0],
  ["86400", 300_000],
])("reads Retry-After %j as %j ms", (header, expected) => {
  expect(retryAfterMs(header, NOW_MS)).toBe(expected);
});

test("waits longer each time, up to 30 s, and never the same", () => {
  const policy = { retries: 5, baseMs: 500 };
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const ceiling = Math.min(500 * 2 ** attempt, 30_000);
    const waitMs = backoffMs(policy, attempt);
    expect(waitMs).toBeGreaterThanOrEqual(ceiling / 2);
    expect(waitMs).toBeLessThanOrEqual(ceiling);
  }
});

test("a wait ends at once where the user asks to stop", async () => {
  const controller = new AbortController();
  const waiting = wait(1e9, controller.signal);
  controller.abort();
  await expect(waiting).rejects.toBeInstanceOf(Interrupted);
});
