import { env } from "node:process";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkPlatform } from "../support/check-platform.ts";
import { Platform } from "../support/platform.ts";
import { databaseArbitrary, scriptOf } from "../support/random-database.ts";
import { TRAPS } from "../support/traps.ts";

const databases = Number(env["EXACTNESS_PLATFORM_RUNS"] ?? 25);
const seed = Number(env["EXACTNESS_SEED"] ?? 20_261_124);
const traps = TRAPS.filter((trap) => trap.nodeOnly !== true);

let platform: Platform;

beforeAll(async () => {
  platform = await Platform.start(traps.length + databases);
}, 60_000);

afterAll(async () => {
  await platform.stop();
});

describe("in a Durable Object of the runtime, restored into another and into D1", () => {
  test.each(traps)("$title", async (trap) => {
    const { differences, dump, refused } = await checkPlatform(platform, {
      name: trap.title,
      script: trap.script,
      seed: 7,
      d1: true,
    });
    expect(refused).toEqual([]);
    expect(
      differences.filter((each) => trap.differs?.test(each.replace("in D1: ", "")) !== true),
    ).toEqual([]);
    if (trap.warning === undefined) expect(dump.warnings).toEqual([]);
    else expect(dump.warnings.join("\n")).toMatch(trap.warning);
  });

  test(`${databases} random databases come out as they went in (seed ${seed})`, async () => {
    const shapes = fc.sample(databaseArbitrary, { numRuns: databases, seed });
    for (const [at, shape] of shapes.entries()) {
      const { differences } = await checkPlatform(platform, {
        name: `random ${at}`,
        script: scriptOf(shape),
        seed: at,
        d1: true,
      });
      expect(differences, `database ${at} of seed ${seed}`).toEqual([]);
    }
  });
});
