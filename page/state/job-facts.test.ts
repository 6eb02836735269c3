import { expect, test } from "vitest";

import type { JobView } from "../../src/api/job-view.ts";
import {
  describeEnd,
  describeKeepers,
  describeMasked,
  describeWaiting,
  durationOf,
  storedBytesOf,
} from "./job-facts.ts";

test("a queued job reports its place", () => {
  expect(describeWaiting({ queuePosition: null })).toBe("Waits to start");
  expect(describeWaiting({ queuePosition: 3 })).toBe("Waits for other jobs: place 3 in the queue");
});

test("the size of a job is its files', or what it wrote once they are gone", () => {
  const progress = { bytes: 7 };
  const artifacts = [{ bytes: 2 }, { bytes: 3 }];
  expect(storedBytesOf({ artifacts, progress } as JobView)).toBe(5);
  expect(storedBytesOf({ artifacts: [], progress } as unknown as JobView)).toBe(7);
});

test("a job that has not ended has no duration", () => {
  const startedAt = "2026-11-29T00:00:00Z";
  expect(durationOf({ startedAt, completedAt: null })).toBeNull();
  expect(durationOf({ startedAt, completedAt: "2026-11-29T00:00:02Z" })).toBe(2_000);
});

test("masked columns are listed with how they are masked", () => {
  const masked = [
    { table: "users", column: "email", kind: "template" as const },
    { table: "users", column: "name", kind: "length" as const },
  ];
  expect(describeMasked({ masked })).toBe("users.email (template), users.name (length)");
});

test("a job that ended before it was cancelled is not reported as cancelled", () => {
  expect(describeEnd("It", "cancelled")).toBe("It is cancelled.");
  expect(describeEnd("It", "failed")).toBe("It ended before it could be cancelled: it is failed.");
});

test("an export of a series reports what keeps it", () => {
  expect(describeKeepers({ keptBy: null })).toBe("decided when it completes");
  expect(describeKeepers({ keptBy: [] })).toBe("kept by no rule: its files are deleted");
  const keptBy = [
    { rule: "newest" as const },
    { rule: "keepDaily" as const, period: "2026-11-29" },
    { rule: "keepMonthly" as const, period: "2026-01", isOldest: true as const },
  ];
  expect(describeKeepers({ keptBy })).toBe(
    "newest, keepDaily 2026-11-29, keepMonthly 2026-01 (oldest)",
  );
});
