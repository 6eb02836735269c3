import fc from "fast-check";
import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import {
  RETENTION_RULES,
  type RetentionPolicy,
  RetentionPolicySchema,
  type RetentionRule,
} from "../../api/retention-policy.ts";
import { type CompletedExport, explainRetention } from "./explain-retention.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

function at(time: string): CompletedExport {
  return { jobId: time, snapshotAtMs: Date.parse(`${time}Z`) };
}

function kept(policy: RetentionPolicy, exports: CompletedExport[]): string[] {
  return explainRetention(policy, exports)
    .filter(({ reasons }) => reasons.length > 0)
    .map(({ jobId }) => jobId);
}

/** A zone whose days are not those of UTC, and in which some have 23 or 25 hours. */
const before = process.env.TZ;
beforeAll(() => {
  process.env.TZ = "America/New_York";
  expect(new Date("2026-03-08T07:00Z").getTimezoneOffset()).toBe(240);
  expect(new Date("2026-03-08T06:00Z").getTimezoneOffset()).toBe(300);
});
afterAll(() => {
  if (before === undefined) delete process.env.TZ;
  else process.env.TZ = before;
});

describe("a retention policy", () => {
  test("keeps the newest export of each of the last days", () => {
    const exports = [
      "2026-11-27T03:00",
      "2026-11-27T15:00",
      "2026-11-28T03:00",
      "2026-11-26T03:00",
    ];
    expect(kept({ keepDaily: 2 }, exports.map(at))).toEqual([
      "2026-11-28T03:00",
      "2026-11-27T15:00",
    ]);
  });

  test("counts days that have an export, and not the calendar's", () => {
    const exports = [
      "2026-11-28T03:00",
      "2026-10-01T03:00",
      "2024-02-29T03:00",
      "2020-01-01T00:00",
    ];
    expect(kept({ keepDaily: 3 }, exports.map(at))).toEqual(exports.slice(0, 3));
  });

  test("explains which rule keeps an export, and for which period", () => {
    const exports = [
      "2026-11-28T03:00",
      "2026-11-20T03:00",
      "2025-12-31T03:00",
      "2025-12-29T03:00",
    ];
    const policy = { keepLast: 1, keepWeekly: 3, keepYearly: 2 };
    expect(explainRetention(policy, exports.map(at))).toEqual([
      {
        jobId: exports[0],
        reasons: [
          { rule: "newest" },
          { rule: "keepLast" },
          { rule: "keepWeekly", period: "2026-W48" },
          { rule: "keepYearly", period: "2026" },
        ],
      },
      { jobId: exports[1], reasons: [{ rule: "keepWeekly", period: "2026-W47" }] },
      {
        jobId: exports[2],
        reasons: [
          // The last days of December 2025 are in the first week of 2026.
          { rule: "keepWeekly", period: "2026-W01" },
          { rule: "keepYearly", period: "2025" },
        ],
      },
      { jobId: exports[3], reasons: [] },
    ]);
  });

  test("keeps the oldest export until a rule has found all its periods", () => {
    const exports = ["2026-11-28T03:00", "2026-11-27T03:00", "2026-11-10T03:00"].map(at);
    expect(explainRetention({ keepMonthly: 12 }, exports).at(-1)?.reasons).toEqual([
      { rule: "keepMonthly", period: "2026-11", isOldest: true },
    ]);
    expect(kept({ keepMonthly: 1 }, exports)).toEqual(["2026-11-28T03:00"]);
  });

  test("always keeps the newest export, and has nothing to say of none", () => {
    expect(kept({ keepYearly: 1 }, [at("2026-11-28T03:00")])).toHaveLength(1);
    expect(explainRetention({ keepLast: 1 }, [])).toEqual([]);
  });

  test.each([
    [{}, "expected at least one of"],
    [{ keepLast: 0 }, "expected at least 1"],
    [{ keepDaily: 1.5 }, "integer"],
    [{ keepDaily: 1_001 }, "1000"],
    [{ keepHourly: 3 }, "keepHourly"],
  ])("is refused if it is %j", (policy, message) => {
    const parsed = v.safeParse(RetentionPolicySchema, policy);
    expect(parsed.success).toBe(false);
    expect(parsed.issues?.[0].message).toContain(message);
  });
});

/** The period of a time, from the fields of a date: another way than the code under test goes. */
function periodOf(rule: RetentionRule, ms: number): string {
  const date = new Date(ms);
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()];
  if (rule === "keepDaily") return `${year}/${month}/${day}`;
  if (rule === "keepMonthly") return `${year}/${month}`;
  if (rule === "keepYearly") return `${year}`;
  if (rule === "keepLast") return `${ms}`;
  // A week is named by its Monday.
  const monday = new Date(Date.UTC(year, month, day));
  while (monday.getUTCDay() !== 1) monday.setUTCDate(monday.getUTCDate() - 1);
  return monday.toISOString();
}

/** What restic's documentation promises, reckoned with groups instead of a scan. */
function reckon(policy: RetentionPolicy, exports: CompletedExport[]): Set<string> {
  const sorted = exports.toSorted((a, b) => b.snapshotAtMs - a.snapshotAtMs);
  const keep = new Set(sorted.slice(0, 1).map(({ jobId }) => jobId));
  const oldest = sorted.at(-1);
  for (const rule of RETENTION_RULES) {
    const count = policy[rule];
    if (count === undefined) continue;
    const groups = new Map<string, CompletedExport>();
    for (const each of exports) {
      const period = periodOf(rule, each.snapshotAtMs);
      const best = groups.get(period);
      if (best === undefined || best.snapshotAtMs < each.snapshotAtMs) groups.set(period, each);
    }
    const newest = [...groups.values()].toSorted((a, b) => b.snapshotAtMs - a.snapshotAtMs);
    for (const { jobId } of newest.slice(0, count)) keep.add(jobId);
    if (newest.length < count && oldest !== undefined) keep.add(oldest.jobId);
  }
  return keep;
}

/** Calendars: every few hours or days, with gaps of any length, around leap days and turns of the year. */
const calendar = fc
  .record({
    start: fc.constantFrom(
      Date.UTC(2023, 11, 20),
      Date.UTC(2024, 1, 20),
      Date.UTC(2026, 2, 5, 23, 59),
      Date.UTC(2027, 9, 20),
      Date.UTC(2099, 11, 28),
      -10 * DAY_MS,
    ),
    steps: fc.array(
      fc.oneof(
        fc.integer({ min: 1, max: 10 * HOUR_MS }),
        fc.constantFrom(DAY_MS, DAY_MS - 1, DAY_MS + 1, 7 * DAY_MS, HOUR_MS),
        fc.integer({ min: DAY_MS, max: 500 * DAY_MS }),
      ),
      { maxLength: 80 },
    ),
  })
  .map(({ start, steps }) => {
    let ms = start;
    return steps.map((step, at) => ({ jobId: `job-${at}`, snapshotAtMs: (ms += step) }));
  })
  .chain((exports) => fc.shuffledSubarray(exports, { minLength: exports.length }));

const count = fc.option(fc.integer({ min: 1, max: 15 }), { nil: undefined });
const policy: fc.Arbitrary<RetentionPolicy> = fc
  .record(
    {
      keepLast: count,
      keepDaily: count,
      keepWeekly: count,
      keepMonthly: count,
      keepYearly: count,
    },
    { requiredKeys: [] },
  )
  .filter((each) => v.safeParse(RetentionPolicySchema, each).success)
  .map((each) => v.parse(RetentionPolicySchema, each));

test("a policy keeps what an independent reckoning keeps, over random calendars", () => {
  fc.assert(
    fc.property(policy, calendar, (rules, exports) => {
      expect(new Set(kept(rules, exports))).toEqual(reckon(rules, exports));
    }),
    { numRuns: 3_000 },
  );
});

test("a policy that is applied after each export keeps no less than one that is applied at the end", () => {
  fc.assert(
    fc.property(policy, calendar, (rules, exports) => {
      let left: CompletedExport[] = [];
      for (const each of exports.toSorted((a, b) => a.snapshotAtMs - b.snapshotAtMs)) {
        left.push(each);
        const ids = new Set(kept(rules, left));
        left = left.filter(({ jobId }) => ids.has(jobId));
      }
      for (const rule of RETENTION_RULES) {
        const limit = rules[rule];
        if (limit === undefined) continue;
        const newest = explainRetention({ [rule]: limit }, exports)
          .filter(({ reasons }) =>
            reasons.some((reason) => reason.rule === rule && reason.isOldest === undefined),
          )
          .map(({ jobId }) => jobId);
        expect(left.map(({ jobId }) => jobId)).toEqual(expect.arrayContaining(newest));
      }
    }),
    { numRuns: 500 },
  );
});
