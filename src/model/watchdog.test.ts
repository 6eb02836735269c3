import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { judge, RUNS_MAX, suspectMsOf } from "./watchdog.ts";

const STALL_MS = 300_000;

describe("the watchdog", () => {
  test.each([
    ["leaves a run that works", { silentMs: STALL_MS - 1 }, "leave"],
    ["wakes a run that went silent", { silentMs: STALL_MS }, "wake"],
    [
      "wakes it where nobody knows its instance",
      { silentMs: STALL_MS, instance: "unknown" },
      "wake",
    ],
    ["gives a woken run time", { silentMs: 400_000, wokenAgoMs: 149_999 }, "leave"],
    ["replaces a run that cannot be woken", { silentMs: 500_000, wokenAgoMs: 150_000 }, "rescue"],
    [
      "gives up after the last run",
      { run: RUNS_MAX, silentMs: 500_000, wokenAgoMs: 150_000 },
      "fail",
    ],
    ["leaves an ended instance a moment", { silentMs: 74_999, instance: "ended" }, "leave"],
    ["replaces a run whose instance has ended", { silentMs: 75_000, instance: "ended" }, "rescue"],
    ["and fails the last", { run: RUNS_MAX, silentMs: 75_000, instance: "ended" }, "fail"],
  ] as const)("%s", (_title, job, verdict) => {
    const watched = { run: 1, wokenAgoMs: null, instance: "alive", ...job } as const;
    expect(judge(watched, STALL_MS)).toBe(verdict);
  });

  test("never touches a run that works, and never fails a job that has runs left", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2 * RUNS_MAX }),
        fc.integer({ min: 0, max: 10 * STALL_MS }),
        fc.option(fc.integer({ min: 0, max: 10 * STALL_MS })),
        fc.constantFrom("alive", "ended", "unknown"),
        (run, silentMs, wokenAgoMs, instance) => {
          const verdict = judge({ run, silentMs, wokenAgoMs, instance }, STALL_MS);
          if (silentMs < suspectMsOf(STALL_MS)) return verdict === "leave";
          if (instance === "ended") return verdict === (run < RUNS_MAX ? "rescue" : "fail");
          if (silentMs < STALL_MS) return verdict === "leave";
          if (verdict === "fail") return run >= RUNS_MAX && wokenAgoMs !== null;
          return verdict !== "rescue" || (run < RUNS_MAX && wokenAgoMs !== null);
        },
      ),
    );
  });
});
