import { expect, test } from "vitest";

import { runCrashes } from "../../support/crash-run.ts";

/** `npm run crash` kills fifty times. */
const KILLS = 3;

test.each([
  ["in R2", "wrangler.jsonc"],
  ["beside the jobs", "test/support/wrangler.without-bucket.jsonc"],
])(
  `an export into files %s survives ${KILLS} SIGKILLs of the runtime while money moves, and shows one instant`,
  async (_, config) => {
    const run = await runCrashes({ kills: KILLS, random: Math.random, config });
    expect(run.problems).toEqual([]);
    expect(run.kills).toBeGreaterThan(0);
    expect(run.transfers).toBeGreaterThan(10);
  },
  400_000,
);
