import { expect, test } from "vitest";

import {
  DAY_MS,
  makeFleet,
  makeJob,
  makeSource,
  NOW_MS,
} from "../../test/support/page/made-jobs.ts";
import { listDatabases } from "./databases.ts";
import { type Fleet, listFleetStates } from "./fleets.ts";

const SOURCES = [makeSource("tenants", { objects: "any" })];

function judge(fleets: Fleet[]) {
  const [state, ...others] = listFleetStates(SOURCES, fleets, NOW_MS);
  expect(others).toEqual([]);
  if (state === undefined) throw new Error("no fleet is listed");
  return state;
}

test("a source without a fleet is listed as a database, and one with a fleet is not", () => {
  expect(listFleetStates(SOURCES, [], NOW_MS)).toEqual([]);
  expect(listDatabases(SOURCES, [], NOW_MS)).toHaveLength(1);
  const jobs = [makeJob(1_000, { source: "tenants", object: { name: "acme" } })];
  expect(listDatabases(SOURCES, jobs, NOW_MS, new Set(["tenants"]))).toEqual([]);
});

test("a complete fleet is backed up", () => {
  const state = judge([makeFleet(1_000), makeFleet(DAY_MS)]);
  expect(state).toMatchObject({ health: "ok", trouble: null, label: "all of tenants" });
  expect(state.backup?.fleetId).toBe("fleet-1000");
});

test("a fleet with objects that failed needs a person", () => {
  const members = { total: 10, packed: 8, exported: 0, empty: 0, failed: 2, pending: 0 };
  const state = judge([makeFleet(1_000, { members })]);
  expect(state.health).toBe("failing");
  expect(state.trouble?.what).toBe("The newest fleet could not back up 2 objects of 10.");
});

test.each([
  ["failing", [makeFleet(1_000, { status: "failed" }), makeFleet(DAY_MS)]],
  ["missing", [makeFleet(1_000, { status: "failed" })]],
  ["late", [makeFleet(11 * DAY_MS, { expiresAt: null })]],
  ["waiting", [makeFleet(1_000, { status: "running" })]],
  ["missing", [makeFleet(8 * DAY_MS)]],
])("a fleet can be %s", (health, fleets) => {
  expect(judge(fleets).health).toBe(health);
});
