import { expect, test } from "vitest";

import { runCrashes } from "../support/crash-run.ts";
import { runFleetCrashes } from "../support/fleet-crash-run.ts";
import { runNight } from "../support/night-run.ts";
import { runRestoreCrashes } from "../support/restore-crash-run.ts";

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

// `npm run crash -- --parquet` kills fifty times, with each compression in turn.
test("Parquet files are whole after SIGKILLs of the runtime, and have the rows of one instant", async () => {
  const run = await runCrashes({ kills: 2, random: Math.random, parquet: "zstd" });
  expect(run.problems).toEqual([]);
  expect(run.kills).toBeGreaterThan(0);
  expect(run.transfers).toBeGreaterThan(0);
}, 400_000);

// `npm run crash -- --proof` kills fifty times.
test("a proof survives SIGKILLs of the runtime, and leaves no scratch database", async () => {
  let kills = 0;
  // A fast machine may prove a small database before the first kill.
  for (let accounts = 25_000; kills === 0 && accounts <= 400_000; accounts *= 4) {
    const run = await runCrashes({ kills: 2, random: Math.random, proves: true, accounts });
    expect(run.problems).toEqual([]);
    ({ kills } = run);
  }
  expect(kills).toBeGreaterThan(0);
}, 400_000);

// `npm run crash -- --night` has 200 jobs and ten kills.
test("a night of scheduled jobs that wait in a queue loses none to a SIGKILL", async () => {
  const night = { databases: 12, ticks: 1, kills: 1, concurrency: 3, random: Math.random };
  expect(await runNight(night)).toMatchObject({ problems: [], jobs: 12, kills: 1 });
}, 400_000);

// `npm run crash -- --restore` kills fifty times.
test("restores survive SIGKILLs of the runtime, and leave what they promise", async () => {
  const run = await runRestoreCrashes({ kills: 7, killsPerRestore: 1, random: Math.random });
  expect(run.problems).toEqual([]);
  expect(run.restores).toBeGreaterThan(1);
}, 400_000);

// `npm run crash -- --fleet` kills fifty times, in fleets of several packs.
test("a fleet survives SIGKILLs of the runtime, and has each tenant once", async () => {
  const run = await runFleetCrashes({
    kills: KILLS,
    killsPerFleet: KILLS,
    tenants: 24,
    random: Math.random,
    killMsMax: 1_000,
  });
  expect(run.problems).toEqual([]);
  expect(run.kills).toBeGreaterThan(0);
  expect(run.packs).toBeGreaterThan(0);
  expect(run.exports).toBeGreaterThan(0);
}, 400_000);
