import fc from "fast-check";
import { expect, test } from "vitest";

import { checkExactness } from "../../support/check-exactness.ts";
import { openPlatformDatabase } from "../../support/node-sqlite-source.ts";
import { buildDatabase, databaseArbitrary, scriptOf } from "../../support/random-database.ts";

const RUNS = Number(process.env["EXACTNESS_RUNS"] ?? 200);
/** The same databases every time, unless another seed is asked for. */
const SEED = Number(process.env["EXACTNESS_SEED"] ?? -460308670);

test("a random legal database comes out of its dump as it went in, wherever pages were cut", async () => {
  await fc.assert(
    fc.asyncProperty(databaseArbitrary, fc.nat(), async (random, seed) => {
      const db = openPlatformDatabase();
      try {
        buildDatabase(db, scriptOf(random));
        const { differences } = await checkExactness(db, seed);
        expect(differences).toEqual([]);
      } finally {
        db.close();
      }
    }),
    { numRuns: RUNS, seed: SEED },
  );
});
