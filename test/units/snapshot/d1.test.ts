import { env } from "node:process";
import { afterAll, beforeAll, expect, test } from "vitest";

import { d1Source } from "../../../src/source/d1-source.ts";
import { Platform } from "../../support/platform.ts";
import { runSnapshotOn } from "../../support/snapshot-on-source.ts";

/** More than these few take long: 1.2 s each. */
const RUNS = Number(env["SNAPSHOT_D1_RUNS"] ?? 4);

let platform: Platform;

beforeAll(async () => {
  platform = await Platform.start(RUNS);
}, 60_000);

afterAll(() => platform.stop());

test(`a D1 dump is the database at the instant of opening, whatever ${RUNS} random runs write meanwhile`, async () => {
  const first = Math.floor(Math.random() * 1e9);
  for (let at = 0; at < RUNS; at += 1) {
    const source = d1Source(await platform.d1(at), `D1_${at}`);
    expect(await runSnapshotOn(source, first + at), `seed ${first + at}`).toEqual([]);
  }
});
