import { parseArgs } from "node:util";
import * as fc from "fast-check";
import { checkExactness } from "../support/check-exactness.ts";
import { checkPlatform } from "../support/check-platform.ts";
import { openPlatformDatabase } from "../support/node-sqlite-source.ts";
import { Platform } from "../support/platform.ts";
import {
  buildDatabase,
  databaseArbitrary,
  type RandomDatabase,
  scriptOf,
} from "../support/random-database.ts";

/** Databases a seed: most in Node's SQLite, a few in the runtime, which takes longer. */
const NODE_RUNS = 200;
const PLATFORM_RUNS = 10;

const { values } = parseArgs({
  options: { minutes: { type: "string", default: "10" }, seed: { type: "string" } },
});
const endsAtMs = Date.now() + Number(values.minutes) * 60_000;
const firstSeed = Number(values.seed ?? Date.now() % 1_000_000_000);

let databases = 0;
let refused = 0;
for (let seed = firstSeed; Date.now() < endsAtMs; seed += 1) {
  const failure = (await fuzzNode(seed)) ?? (await fuzzPlatform(seed));
  if (failure !== undefined) {
    console.log(`seed ${seed} failed:\n${failure}`);
    process.exitCode = 1;
    break;
  }
  console.log(`seed ${seed} passed; ${databases} databases so far, ${refused} of them refused`);
}

/** What went wrong with the smallest database that fails; undefined where none does. */
async function fuzzNode(seed: number): Promise<string | undefined> {
  const result = await fc.check(
    fc.asyncProperty(databaseArbitrary, fc.nat(), async (shape, cutting) => {
      databases += 1;
      const source = openPlatformDatabase();
      try {
        buildDatabase(source, scriptOf(shape, { breaksRules: true }));
        const { differences } = await checkExactness(source, cutting, { breaksRules: true });
        if (differences.length > 0) throw new Error(differences.join("\n"));
      } catch (error) {
        if (!isRefusal(error)) throw error;
        refused += 1;
      } finally {
        source.close();
      }
    }),
    { numRuns: NODE_RUNS, seed },
  );
  if (!result.failed) return undefined;
  const [shape] = result.counterexample ?? [];
  return `${String(result.errorInstance)}\n${shape === undefined ? "" : acceptedScript(shape)}`;
}

async function fuzzPlatform(seed: number): Promise<string | undefined> {
  const platform = await Platform.start(PLATFORM_RUNS);
  try {
    const shapes = fc.sample(databaseArbitrary, { numRuns: PLATFORM_RUNS, seed: -seed });
    for (const [at, shape] of shapes.entries()) {
      databases += 1;
      const script = scriptOf(shape);
      try {
        const { differences } = await checkPlatform(platform, {
          name: `random ${at}`,
          script,
          seed: at,
          d1: true,
        });
        if (differences.length > 0) return `${differences.join("\n")}\n${acceptedScript(shape)}`;
      } catch (error) {
        if (!isRefusal(error)) return `${String(error)}\n${acceptedScript(shape)}`;
        refused += 1;
      }
    }
    return undefined;
  } finally {
    await platform.stop();
  }
}

/** A large table without any name for its rowid is refused, as it must be. */
function isRefusal(error: unknown): boolean {
  return error instanceof Error && error.message.includes("too large to be read at once");
}

function acceptedScript(shape: RandomDatabase): string {
  const db = openPlatformDatabase();
  const script = buildDatabase(db, scriptOf(shape));
  db.close();
  return script.map((statement) => `${statement};`).join("\n");
}
