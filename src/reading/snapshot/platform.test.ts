import { env } from "node:process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { Platform } from "../../../test/support/platform.ts";
import { SNAPSHOT_CORRECTIONS } from "../../../test/support/snapshot-corrections.ts";

/** `SNAPSHOT_PLATFORM_RUNS=500` runs more, on as many D1 databases. */
const RUNS = Number(env["SNAPSHOT_PLATFORM_RUNS"] ?? 25);

let platform: Platform;

beforeAll(async () => {
  platform = await Platform.start(RUNS + SNAPSHOT_CORRECTIONS.length);
}, 60_000);

afterAll(() => platform.stop());

describe.each(["Durable Object", "D1"] as const)("in the runtime, a snapshot of a %s", (on) => {
  test.each(SNAPSHOT_CORRECTIONS)("keeps $title", async (correction) => {
    const { problems } = await platform.runSnapshot(on, { correction });
    expect(problems).toEqual([]);
  });

  test(`is the database at the instant of opening, whatever ${RUNS} random runs write meanwhile`, async () => {
    const first = Math.floor(Math.random() * 1e9);
    let writes = 0;
    for (let seed = first; seed < first + RUNS; seed += 1) {
      const run = await platform.runSnapshot(on, { seed });
      expect(run.problems, `seed ${seed}`).toEqual([]);
      writes += run.writes;
    }
    expect(writes).toBeGreaterThan(RUNS);
  });
});
