import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { judge, RUNS_MAX } from "./watchdog.ts";

const STALL_MS = 300_000;

describe("the watchdog", () => {
  test.each([
    ["leaves a run that works", { run: 1, silentMs: STALL_MS - 1, wokenAgoMs: null }, "leave"],
    ["wakes a run that went silent", { run: 1, silentMs: STALL_MS, wokenAgoMs: null }, "wake"],
    ["gives a woken run time", { run: 1, silentMs: 400_000, wokenAgoMs: 149_999 }, "leave"],
    [
      "replaces a run that cannot be woken",
      { run: 1, silentMs: 500_000, wokenAgoMs: 150_000 },
      "rescue",
    ],
    [
      "gives up after the last run",
      { run: RUNS_MAX, silentMs: 500_000, wokenAgoMs: 150_000 },
      "fail",
    ],
  ] as const)("%s", (_title, job, verdict) => {
    expect(judge(job, STALL_MS)).toBe(verdict);
  });

  test("never touches a run that is not silent, and never fails a job that has runs left", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2 * RUNS_MAX }),
        fc.integer({ min: 0, max: 10 * STALL_MS }),
        fc.option(fc.integer({ min: 0, max: 10 * STALL_MS })),
        (run, silentMs, wokenAgoMs) => {
          const verdict = judge({ run, silentMs, wokenAgoMs }, STALL_MS);
          if (silentMs < STALL_MS) return verdict === "leave";
          if (verdict === "fail") return run >= RUNS_MAX && wokenAgoMs !== null;
          return verdict !== "rescue" || (run < RUNS_MAX && wokenAgoMs !== null);
        },
      ),
    );
  });
});
