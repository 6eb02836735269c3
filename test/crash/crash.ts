import { parseArgs } from "node:util";

import { COMPRESSION_NAMES } from "../../src/api/compressions.ts";
import { runCrashes } from "../support/crash-run.ts";
import { runFleetCrashes } from "../support/fleet-crash-run.ts";
import { runNight } from "../support/night-run.ts";
import { runRestoreCrashes } from "../support/restore-crash-run.ts";

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "50" },
    "kills-per-job": { type: "string", default: "10" },
    config: { type: "string", default: "wrangler.jsonc" },
    /** Instead: fleets of 200 tenants, ten kills each. */
    fleet: { type: "boolean", default: false },
    /** Instead: 200 scheduled jobs under a Workflow that queues instances. */
    night: { type: "boolean", default: false },
    /** Kills exports to Parquet, with each compression of the columns in turn. */
    parquet: { type: "boolean", default: false },
    /** Kills the proofs of exports, which restore their dumps. */
    proof: { type: "boolean", default: false },
    /** Instead: restores, ten kills each. */
    restore: { type: "boolean", default: false },
  },
});

if (values.night) {
  const { problems, jobs, kills, rescues } = await runNight({
    databases: 100,
    ticks: 2,
    kills: 10,
    concurrency: 8,
    random: Math.random,
    report: (line) => console.log(line),
  });
  for (const problem of problems) console.log(problem);
  console.log(
    `${jobs} jobs, ${kills} kills, ${rescues} runs replaced, ${problems.length} problems`,
  );
  process.exit(problems.length === 0 ? 0 : 1);
}

if (values.fleet) {
  const { problems, kills, fleets, runs, packs, exports } = await runFleetCrashes({
    kills: Number(values.kills),
    killsPerFleet: Number(values["kills-per-job"]),
    tenants: 200,
    random: Math.random,
    report: (line) => console.log(line),
  });
  for (const problem of problems) console.log(problem);
  console.log(
    `${fleets} fleets, ${kills} kills, ${runs} runs, ${packs} packs, ${exports} exports, ${problems.length} problems`,
  );
  process.exit(problems.length === 0 ? 0 : 1);
}

if (values.restore) {
  const { problems, kills, restores, runs } = await runRestoreCrashes({
    kills: Number(values.kills),
    killsPerRestore: Number(values["kills-per-job"]),
    random: Math.random,
    report: (line) => console.log(line),
  });
  for (const problem of problems) console.log(problem);
  console.log(`${restores} restores, ${kills} kills, ${runs} runs, ${problems.length} problems`);
  process.exit(problems.length === 0 ? 0 : 1);
}

const wanted = Number(values.kills);
const perJob = Number(values["kills-per-job"]);
let kills = 0;
let failed = 0;
for (let job = 1; kills < wanted; job += 1) {
  const parquet = values.parquet
    ? COMPRESSION_NAMES[(job - 1) % COMPRESSION_NAMES.length]
    : undefined;
  const run = await runCrashes({
    kills: Math.min(perJob, wanted - kills),
    random: Math.random,
    config: values.config,
    proves: values.proof,
    parquet,
  });
  kills += run.kills;
  const title = parquet === undefined ? `job ${job}` : `job ${job}, Parquet, ${parquet}`;
  console.log(`${title}: ${run.kills} kills, ${run.runs} runs, ${run.transfers} transfers`);
  for (const problem of run.problems) console.log(problem);
  if (run.problems.length > 0) failed += 1;
  // A job that is done before it could be killed says nothing.
  if (run.kills === 0) kills += 1;
}
console.log(`${kills} kills, ${failed} jobs failed`);
process.exitCode = failed === 0 ? 0 : 1;
