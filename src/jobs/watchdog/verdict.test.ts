import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { judge, RUNS_MAX, getSuspectMs, WAIT_MS_MAX } from "./verdict.ts";

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
      "gives up after the last run at one place",
      { runsAtPlace: RUNS_MAX, silentMs: 500_000, wokenAgoMs: 150_000 },
      "fail",
    ],
    ["leaves an ended instance a moment", { silentMs: 74_999, instance: "ended" }, "leave"],
    ["replaces a run whose instance has ended", { silentMs: 75_000, instance: "ended" }, "rescue"],
    ["and fails the last", { runsAtPlace: RUNS_MAX, silentMs: 75_000, instance: "ended" }, "fail"],
    ["waits for a queued instance", { silentMs: 75_000, instance: "queued" }, "wait"],
    ["wakes a queued instance once", { silentMs: STALL_MS, instance: "queued" }, "wake"],
    [
      "waits for a queued instance for days",
      { silentMs: 75_000, idleMs: WAIT_MS_MAX - 1, wokenAgoMs: 1, instance: "queued" },
      "wait",
    ],
    [
      "waits for a paused instance for days",
      { silentMs: 75_000, idleMs: WAIT_MS_MAX - 1, instance: "paused" },
      "wait",
    ],
    [
      "waits for an instance that was woken and is paused",
      { runsAtPlace: RUNS_MAX, silentMs: 500_000, wokenAgoMs: 150_000, instance: "paused" },
      "wait",
    ],
    [
      "ends a job that has waited for a week",
      { silentMs: 75_000, idleMs: WAIT_MS_MAX, instance: "queued" },
      "end",
    ],
    [
      "ends a job for which Workflows did not answer for a week",
      { silentMs: WAIT_MS_MAX, instance: "unknown" },
      "end",
    ],
  ] as const)("%s", (_title, job, verdict) => {
    const given = { runsAtPlace: 1, wokenAgoMs: null, instance: "alive", ...job } as const;
    expect(judge({ idleMs: given.silentMs, ...given }, STALL_MS)).toBe(verdict);
  });

  test("asks about an instance within 75 seconds, however long a stall may be", () => {
    expect(getSuspectMs(86_400_000)).toBe(75_000);
    expect(getSuspectMs(5_000)).toBe(1_250);
  });

  test("never touches a run that works or waits, and never fails a job that has runs left", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2 * RUNS_MAX }),
        fc.integer({ min: 0, max: 10 * STALL_MS }),
        fc.option(fc.integer({ min: 0, max: 10 * STALL_MS })),
        fc.constantFrom("alive", "queued", "paused", "ended", "unknown"),
        (runsAtPlace, silentMs, wokenAgoMs, instance) => {
          const watched = { runsAtPlace, silentMs, idleMs: silentMs, wokenAgoMs, instance };
          const verdict = judge(watched, STALL_MS);
          if (silentMs < getSuspectMs(STALL_MS)) return verdict === "leave";
          if (instance === "paused") return verdict === "wait";
          if (instance === "queued") return verdict === "wait" || verdict === "wake";
          const next = runsAtPlace < RUNS_MAX ? "rescue" : "fail";
          if (instance === "ended") return verdict === next;
          if (silentMs < STALL_MS) return verdict === "leave";
          if (verdict === "leave" || verdict === "wake") return true;
          return verdict === next && wokenAgoMs !== null;
        },
      ),
    );
  });
});
