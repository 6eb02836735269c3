import { describe, expect, test } from "vitest";
import { RETRY_AFTER_MS_MAX, parseRetryAfterMs } from "./retry-after.ts";

const NOW_MS = Date.UTC(2026, 10, 24, 12, 0, 0);

describe("Retry-After", () => {
  test.each([
    ["0", 0],
    ["120", 120_000],
    [" 7 ", 7_000],
    ["86401", RETRY_AFTER_MS_MAX],
    ["9".repeat(400), RETRY_AFTER_MS_MAX],
    ["Tue, 24 Nov 2026 12:00:30 GMT", 30_000],
    ["Tue, 24 Nov 2026 11:59:00 GMT", 0],
    ["Tuesday, 24-Nov-26 12:01:00 GMT", 60_000],
    ["Fri, 31 Dec 9999 23:59:59 GMT", RETRY_AFTER_MS_MAX],
  ])("of %j is a wait of %d ms", (header, waitMs) => {
    expect(parseRetryAfterMs(header, NOW_MS)).toBe(waitMs);
  });

  test.each([
    [null],
    [""],
    ["soon"],
    ["-5"],
    ["1.5"],
    ["1e3"],
    ["0x10"],
    ["2026-11-24T12:00:30Z"],
    ["Tue, 24 Nov 2026 12:00:30"],
    ["Tue, 99 Nov 2026 12:00:30 GMT"],
    ["Tue, GMT"],
  ])("of %j is no wait that is known", (header) => {
    expect(parseRetryAfterMs(header, NOW_MS)).toBeUndefined();
  });
});
