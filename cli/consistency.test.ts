import { expect, test } from "vitest";

import { describeConsistency, findConsistency } from "./consistency.ts";

test.each([
  ["snapshot", "undo-log", "snapshot (one instant, kept by an undo log)"],
  ["snapshot", "one-turn", "snapshot (one instant, read in one turn)"],
  ["snapshot", null, "snapshot (one instant)"],
  ["snapshot", "of-the-future", "snapshot (one instant, of-the-future)"],
  ["live", null, "live (each page in its current state)"],
])("a %s export by %s is described in words", (requested, method, words) => {
  const consistency = { requestedConsistency: requested, snapshotMethod: method };
  expect(describeConsistency(consistency)).toBe(words);
});

test.each([
  ["undo-log", "snapshot", "undo-log"],
  ["one-turn", "snapshot", "one-turn"],
  ["live", "live", null],
])("a manifest of version 0.1 that says %s was asked for %s", (consistency, requested, method) => {
  expect(findConsistency({ consistency })).toEqual({
    requestedConsistency: requested,
    snapshotMethod: method,
  });
});
