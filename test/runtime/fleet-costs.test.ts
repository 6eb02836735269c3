import { env, runInDurableObject } from "cloudflare:test";
import { afterAll, beforeAll, expect, test } from "vitest";

import { FLEET_ROWS } from "../../bench/fleet-costs.ts";
import { countingSql } from "../../bench/old-jobs.ts";
import {
  allowOneTurn,
  backUpFleet,
  fillTenants,
  openTenant,
  restoreOneTurn,
} from "../support/fleets.ts";

const NAMES = Array.from({ length: 40 }, (_, n) => `cost ${n}`);

beforeAll(async () => {
  allowOneTurn();
  await fillTenants(NAMES);
});

afterAll(restoreOneTurn);

/** Runs a fleet, and returns what it used, with the rows that the jobs object wrote. */
async function measure(names: readonly string[]) {
  const jobs = env.EXPORT_JOBS.getByName("jobs");
  const count = await runInDurableObject(jobs, (instance) => {
    const { jobs: context } = instance as unknown as { jobs: { sql: SqlStorage } };
    const counting = countingSql(context.sql);
    const real = context.sql;
    context.sql = counting.sql;
    return () => {
      context.sql = real;
      return counting.count();
    };
  });
  const { usage, members } = await backUpFleet({ names });
  const { rowsWritten } = await runInDurableObject(jobs, () => count());
  return { usage, members, rowsWritten };
}

test("a fleet of one batch uses as much as its costs are calculated with", async () => {
  const few = await measure(NAMES.slice(0, 2));
  const many = await measure(NAMES);
  expect(many.members.packed).toBe(NAMES.length);
  for (const { usage } of [few, many]) {
    expect(usage).toMatchObject({ steps: 4, r2ClassAOperations: 4 });
  }
  const { writtenAFleet, writtenABatch, readATenant, readARow } = FLEET_ROWS;
  expect(many.rowsWritten).toBe(few.rowsWritten);
  expect(many.rowsWritten).toBeLessThanOrEqual(writtenAFleet + writtenABatch);
  expect(many.rowsWritten).toBeGreaterThan((writtenAFleet + writtenABatch) / 2);
  // Each tenant has two rows.
  expect(many.usage.rowsRead).toBeLessThanOrEqual(NAMES.length * (readATenant + 2 * readARow));
});

test("the database of a tenant is not written", async () => {
  const writes = async () => {
    const { rows } = await openTenant("cost 0").query({ sql: "SELECT total_changes()" });
    return rows[0]?.[0];
  };
  const before = await writes();
  await backUpFleet({ names: ["cost 0"] });
  expect(await writes()).toBe(before);
});
