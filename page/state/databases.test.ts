import { expect, test } from "vitest";

import type { JobView } from "../../src/api/job-view.ts";
import { DAY_MS, HOUR_MS, makeJob, makeSource, NOW_MS } from "../../test/support/page/made-jobs.ts";
import { keyOf, listDatabases, needsAttention } from "./databases.ts";

/** The state of `main`, the only source. */
function judge(jobs: JobView[], more: object = {}) {
  const [database, ...others] = listDatabases([makeSource("main", more)], jobs, NOW_MS);
  expect(others).toEqual([]);
  if (database === undefined) throw new Error("no database is listed");
  return database;
}

const failure = (ageMs: number): JobView =>
  makeJob(ageMs, {
    status: "failed",
    expiresAt: null,
    error: { code: "source-unavailable", message: "it did not answer", hint: "Try again." },
  });

test("a database with a recent backup is well", () => {
  expect(judge([makeJob(3 * HOUR_MS)])).toMatchObject({ health: "ok", trouble: null });
});

test("a database that was never backed up needs attention, with what to do", () => {
  const { health, trouble } = judge([]);
  expect(health).toBe("missing");
  expect(trouble?.what).toBe("Never backed up.");
  expect(trouble?.advice).toContain("EXPORT_SCHEDULE");
});

test("a restore target that nobody exports needs nothing, and one with exports is judged like any", () => {
  expect(judge([], { writable: true }).health).toBe("target");
  expect(judge([failure(HOUR_MS)], { writable: true }).health).toBe("missing");
});

test("a source that cannot be opened is reported with its problem", () => {
  const { health, trouble } = judge([makeJob(HOUR_MS)], { problem: "no binding SHOP_DB" });
  expect(health).toBe("unusable");
  expect(trouble?.what).toContain("no binding SHOP_DB");
});

test("a failure after a backup names the error, its hint, and the age of the backup", () => {
  const { health, trouble, backup } = judge([failure(HOUR_MS), makeJob(25 * HOUR_MS)]);
  expect(health).toBe("failing");
  expect(trouble).toEqual({
    what: "The last good backup is 25 h old. The newest export failed 1 h ago: it did not answer",
    advice: "Try again.",
  });
  expect(backup?.jobId).toBe(`main-${25 * HOUR_MS}`);
});

test("a backup after a failure is well, and a cancelled export is no failure", () => {
  expect(judge([makeJob(HOUR_MS), failure(2 * HOUR_MS)]).health).toBe("ok");
  const cancelled = makeJob(HOUR_MS, { status: "cancelled" });
  expect(judge([cancelled, makeJob(2 * HOUR_MS)]).health).toBe("ok");
});

test("files that have expired since the job was read are no backup", () => {
  const { health, trouble } = judge([makeJob(8 * DAY_MS)]);
  expect(health).toBe("missing");
  expect(trouble?.what).toBe("No backup exists. The last one expired 24 h ago.");
});

test("a nightly backup is late after a day and a half, and a weekly one is not", () => {
  const nightly = (ageMs: number): JobView[] =>
    [0, 1, 2, 3].map((nights) => makeJob(ageMs + nights * DAY_MS));
  expect(judge(nightly(35 * HOUR_MS)).health).toBe("ok");
  const { health, trouble } = judge(nightly(40 * HOUR_MS));
  expect(health).toBe("late");
  expect(trouble?.what).toBe("The newest backup is 40 h old. It is usually backed up every 24 h.");
  const weekly = [3, 10, 17].map((days) => makeJob(days * DAY_MS, { expiresAt: null }));
  expect(judge(weekly).health).toBe("ok");
});

test("a first export that runs is waited for", () => {
  const running = makeJob(0, { status: "running", completedAt: null, expiresAt: null });
  const { health, running: found } = judge([running]);
  expect(health).toBe("waiting");
  expect(found).toBe(running);
});

test("each object of a source is a database, and the worst comes first", () => {
  const named = (name: string, ageMs: number): JobView =>
    makeJob(ageMs, { source: "tenants", object: { name } });
  const databases = listDatabases(
    [makeSource("main"), makeSource("tenants", { objects: "any" })],
    [named("b", HOUR_MS), named("a", HOUR_MS), makeJob(30 * DAY_MS)],
    NOW_MS,
  );
  expect(databases.map(({ label, health }) => [label, health])).toEqual([
    ["main", "missing"],
    ["tenants / a", "ok"],
    ["tenants / b", "ok"],
  ]);
  expect(databases.map(({ health }) => needsAttention(health))).toEqual([true, false, false]);
});

test("a key is an address for any name", () => {
  expect(keyOf("tenants", { name: "a/b c" })).toBe("tenants/name/a%2Fb%20c");
  expect(keyOf("main", null)).toBe("main");
});
