import { expect, test } from "vitest";

import { runSnapshot } from "../../../test/support/snapshot-run.ts";

/** `npm run fuzz:snapshot -- --minutes 10` runs many more; `--seed N` runs one and prints its statements. */
const RUNS = 300;

test(`a dump is the database at the instant of opening, whatever ${RUNS} random runs write meanwhile`, async () => {
  const first = Math.floor(Math.random() * 1e9);
  let writes = 0;
  for (let seed = first; seed < first + RUNS; seed += 1) {
    const run = await runSnapshot(seed);
    expect(run.problems, `seed ${seed}`).toEqual([]);
    writes += run.writes;
  }
  expect(writes).toBeGreaterThan(RUNS);
});
