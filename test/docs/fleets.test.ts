import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

import { costOfFleet, FLEET_ROWS } from "../../bench/fleet-costs.ts";
import { FLEET_EXAMPLES, fleetExampleRow } from "../support/cost-examples.ts";

/** With one space wherever the formatter has aligned something. */
const docs = readFileSync(new URL("../../docs/fleets.md", import.meta.url), "utf8").replaceAll(
  /\s+/g,
  " ",
);

test.each(FLEET_EXAMPLES.map(fleetExampleRow))("docs/fleets.md calculates: %s", (row) => {
  expect(docs).toContain(row);
});

test("docs/fleets.md has the numbers of rows that costs are calculated with", () => {
  const { readATenant, readARow, writtenAFleet, writtenABatch } = FLEET_ROWS;
  expect(docs).toContain(`${readATenant} for each object, and ${readARow} for each of its rows`);
  expect(docs).toContain(`${writtenAFleet} for a fleet, and ${writtenABatch} for each batch`);
});

test("a fleet of 10,000 objects of 100 KB stays within its bounds", () => {
  const tenants = 10_000;
  const cost = costOfFleet({ tenants, bytes: 1e5, rows: 1_000 });
  expect(cost.steps).toBeLessThanOrEqual(1_000);
  expect(cost.r2ClassAOperations).toBeLessThanOrEqual(2_000);
  expect(cost.rowsWritten).toBeLessThanOrEqual(2 * tenants);
});
