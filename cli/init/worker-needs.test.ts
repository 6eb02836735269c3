import { tmpdir } from "node:os";
import { expect, test } from "vitest";

import { describeNeeds } from "./worker-needs.ts";

test.each([
  ["20.20.2", 1],
  ["22.13.0", 0],
  ["24.21.0", 0],
])("under Node %s, a new Worker has %i needs that concern Node", (nodeVersion, count) => {
  const plan = { sources: [], bucket: "backup", schedule: undefined };
  const needs = describeNeeds({}, { folder: tmpdir(), plan, nodeVersion });
  expect(needs.filter((need) => need.includes("Use Node 22 or newer"))).toHaveLength(count);
});
