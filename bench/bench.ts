import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { parseArgs } from "node:util";

import { DATASETS, type Dataset } from "./datasets.ts";
import { type FarMeasurement, measureFar } from "./far-measurements.ts";
import { type FleetMeasurement, measureFleet } from "./fleet-measurements.ts";
import { COMPRESSIONS, type Compression, measure, type Measurement } from "./measurements.ts";
import { measureParquet, type ParquetMeasurement } from "./parquet-measurements.ts";
import { measurePeers, type PeersMeasurement } from "./peers.ts";
import { measureProof, type ProofMeasurement } from "./proof-measurements.ts";
import { shellVersion } from "./processes.ts";
import { describeMachine, renderMarkdown, type Results } from "./report.ts";
import { measureRestores, type RestoreMeasurement } from "./restore-measurements.ts";
import { measureWriter } from "./writer-latency.ts";

const USAGE = `npm run bench                    10 MB and 100 MB of mixed rows, 100 MB of every other kind
npm run bench -- --short         1 MB of everything: shows that the bench works
  --megabytes 10,1000            these sizes of the kinds of --dataset (default: mixed)
  --dataset mixed,integers       ${DATASETS.map((dataset) => dataset.name).join(", ")}
  --compression none             default: ${COMPRESSIONS.join(", ")}
  --rounds 5                     default: 3
  --restore                      only restores, of mixed rows
  --parquet                      only exports to Parquet, next to NDJSON, of mixed rows or of --dataset
  --far                          only exports, with a delay on each call of database and bucket
  --peers                        only other tools beside this package, 10 MB and 100 MB of mixed rows
  --writer                       only a writer beside exports
  --fleet                        only a fleet of 10,000 objects of 100 KB
  --tenants 1000                 of so many objects, at most 10,000
  --markdown FILE --json FILE    also write the results there`;

const MB = 1e6;

/** The most names that a request lists. */
const TENANTS_MAX = 10_000;

const options = parseOptions();
if (options === undefined) {
  console.error(USAGE);
  process.exitCode = 2;
} else {
  await run(options);
}

type Plan = { dataset: Dataset; bytes: number }[];

interface Options {
  plan: Plan;
  compressions: readonly Compression[];
  rounds: number;
  withExports: boolean;
  withRestores: boolean;
  /** What is exported to Parquet. */
  parquetPlan: Options["plan"];
  /** What is exported from far away. */
  far: Pick<Options, "plan" | "compressions">;
  /** How many objects the fleet has; undefined for no fleet. */
  tenants: number | undefined;
  /** How long each phase of the writer is; false for no writer. */
  writer: false | { seconds: number };
  /** What other tools export too. */
  compared: Plan;
  markdown: string | undefined;
  json: string | undefined;
}

function parseOptions(): Options | undefined {
  try {
    const { values } = parseArgs({
      options: {
        short: { type: "boolean", default: false },
        restore: { type: "boolean", default: false },
        parquet: { type: "boolean", default: false },
        far: { type: "boolean", default: false },
        fleet: { type: "boolean", default: false },
        peers: { type: "boolean", default: false },
        writer: { type: "boolean", default: false },
        tenants: { type: "string", default: String(TENANTS_MAX) },
        megabytes: { type: "string" },
        dataset: { type: "string" },
        compression: { type: "string", default: COMPRESSIONS.join(",") },
        rounds: { type: "string" },
        markdown: { type: "string" },
        json: { type: "string" },
      },
    });
    const rounds = Number(values.rounds ?? (values.short ? 1 : 3));
    const sizes = values.megabytes?.split(",").map((text) => Number(text) * MB);
    const names = values.dataset?.split(",");
    const { restore, fleet, far, parquet, peers, writer } = values;
    const isPart = [restore, fleet, far, parquet, peers, writer].some(Boolean);
    const compressions = values.compression.split(",") as Compression[];
    const tenants = Number(values.tenants);
    const isWhole =
      Number.isInteger(rounds) &&
      rounds > 0 &&
      Number.isInteger(tenants) &&
      tenants > 0 &&
      tenants <= TENANTS_MAX;
    const isKnown =
      compressions.every((each) => COMPRESSIONS.includes(each)) &&
      (names ?? []).every((name) => DATASETS.some((dataset) => dataset.name === name));
    if (!isWhole || !isKnown || sizes?.some((bytes) => !(bytes > 0)) === true) return undefined;
    const plan = fleet ? [] : planRuns({ sizes, names, isShort: values.short });
    const withOthers = [sizes, names].every((each) => each === undefined) && !isPart;
    const mixed = plan.filter(({ dataset }) => dataset.name === DATASETS[0]?.name);
    return {
      plan,
      compressions,
      rounds,
      withExports: ![restore, far, parquet, peers, writer].some(Boolean),
      withRestores: ![far, parquet, peers, writer].some(Boolean),
      parquetPlan: planParquet(plan, { isPart, isParquet: parquet, names }),
      far: far
        ? { plan, compressions }
        : {
            plan: plan.slice(0, values.short && !isPart ? 1 : 0),
            compressions: compressions.slice(0, 1),
          },
      tenants: fleet ? tenants : undefined,
      compared: withOthers || peers ? mixed : [],
      writer: (withOthers || writer) && { seconds: values.short ? 1 : 10 },
      markdown: values.markdown,
      json: values.json,
    };
  } catch {
    return undefined;
  }
}

/** Only mixed rows, unless the command asks for others. */
function planParquet(
  plan: Options["plan"],
  asked: { isPart: boolean; isParquet: boolean; names: string[] | undefined },
): Options["plan"] {
  if (asked.isParquet && asked.names !== undefined) return plan;
  return asked.isPart && !asked.isParquet ? [] : plan.filter(isMixed);
}

function isMixed({ dataset }: Options["plan"][number]): boolean {
  return dataset.name === "mixed";
}

function planRuns(asked: {
  sizes: number[] | undefined;
  names: string[] | undefined;
  isShort: boolean;
}): Options["plan"] {
  const [mixed] = DATASETS as [Dataset];
  if (asked.sizes === undefined && asked.names === undefined) {
    const bytes = asked.isShort ? MB : 100 * MB;
    const meant = DATASETS.filter(({ isSlow }) => !asked.isShort || isSlow !== true);
    const all = meant.map((dataset) => ({ dataset, bytes }));
    return asked.isShort ? all : [{ dataset: mixed, bytes: 10 * MB }, ...all];
  }
  const chosen = DATASETS.filter(({ name }) => asked.names?.includes(name) ?? name === mixed.name);
  const sizes = asked.sizes ?? [100 * MB];
  return chosen.flatMap((dataset) => sizes.map((bytes) => ({ dataset, bytes })));
}

async function run({
  plan,
  withExports,
  withRestores,
  parquetPlan,
  far: farAway,
  tenants,
  writer: asked,
  compared,
  ...given
}: Options): Promise<void> {
  const measurements: Measurement[] = [];
  for (const { dataset, bytes } of withExports ? plan : []) {
    console.error(`${dataset.name}, ${bytes / MB} MB …`);
    measurements.push(await measure(dataset, { bytes, ...given }));
  }
  const parquet: ParquetMeasurement[] = [];
  for (const { dataset, bytes } of parquetPlan) {
    console.error(`${dataset.name}, ${bytes / MB} MB, to Parquet …`);
    parquet.push(await measureParquet(dataset, { bytes, ...given }));
  }
  const far: FarMeasurement[] = [];
  for (const { dataset, bytes } of farAway.plan) {
    console.error(`${dataset.name}, ${bytes / MB} MB, far away …`);
    const { compressions } = farAway;
    far.push(...(await measureFar(dataset, { bytes, ...given, compressions })));
  }
  const [first] = plan as [Options["plan"][number]];
  const restores: RestoreMeasurement[] = [];
  const proofs: ProofMeasurement[] = [];
  const restored = plan.filter((each) => isMixed(each) && withRestores);
  for (const { dataset, bytes } of restored) {
    console.error(`restoring ${dataset.name}, ${bytes / MB} MB …`);
    restores.push(...(await measureRestores(dataset, { bytes, rounds: given.rounds })));
    if (!withExports) continue;
    console.error(`proving ${dataset.name}, ${bytes / MB} MB …`);
    proofs.push(await measureProof(dataset, { bytes, rounds: given.rounds }));
  }
  const fleets: FleetMeasurement[] = [];
  if (tenants !== undefined) {
    console.error(`a fleet of ${tenants} …`);
    fleets.push(await measureFleet(tenants));
  }
  const peers: PeersMeasurement[] = [];
  for (const { dataset, bytes } of compared) {
    console.error(`other tools, ${dataset.name}, ${bytes / MB} MB …`);
    peers.push(await measurePeers(dataset, { bytes, rounds: given.rounds }));
  }
  let writer: Results["writer"] = null;
  if (asked) {
    console.error("a writer …");
    const { rounds } = given;
    writer = await measureWriter(first.dataset, { bytes: first.bytes, ...asked, rounds });
  }
  const results: Results = {
    measuredAt: new Date().toISOString(),
    machine: describeMachine(),
    versions: {
      node: process.versions.node,
      workerd: versionOf("workerd"),
      sqlite3: shellVersion(),
    },
    rounds: given.rounds,
    measurements,
    parquet,
    far,
    restores,
    proofs,
    fleets,
    peers,
    writer,
  };
  const markdown = renderMarkdown(results);
  console.log(markdown);
  if (given.markdown !== undefined) writeFileSync(given.markdown, `# Results\n\n${markdown}`);
  if (given.json !== undefined) writeFileSync(given.json, `${JSON.stringify(results, null, 2)}\n`);
}

function versionOf(dependency: string): string {
  const path = createRequire(import.meta.url).resolve(`${dependency}/package.json`);
  return (JSON.parse(readFileSync(path, "utf8")) as { version: string }).version;
}
