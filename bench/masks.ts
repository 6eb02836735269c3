import { withBenchWorker } from "./bench-worker.ts";
import { DATASETS } from "./datasets.ts";
import { median } from "./processes.ts";

/** Masks of the dataset of mixed rows; the first case has none. */
const CASES: readonly { name: string; orders?: object }[] = [
  { name: "plain" },
  { name: "template", orders: { customer: { template: "user-{rowid}@example.invalid" } } },
  { name: "value and null", orders: { customer: { value: "free" }, at: "null" } },
  { name: "length of 12 characters", orders: { customer: "length" } },
  { name: "length of 70 characters", orders: { note: "length" } },
  {
    name: "four columns",
    orders: {
      customer: { template: "user-{rowid}@example.invalid" },
      note: "length",
      at: "null",
      total: { value: 1.5 },
    },
  },
];

const MEGABYTES = 20;
const ROUNDS = 5;

/** Prints the seconds of whole jobs with and without masks; each round runs all cases in turn. */
const dataset = DATASETS.find(({ name }) => name === "mixed");
if (dataset === undefined) throw new Error("there is no dataset of mixed rows");
await withBenchWorker(
  (db) => dataset.fill(db, MEGABYTES * 1e6),
  async (bench) => {
    const seconds = new Map<string, number[]>();
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const { name, orders } of CASES) {
        const run = await bench.export({
          compression: "none",
          ...(orders && { mask: { orders } }),
        });
        if (run.view.error !== null) throw new Error(run.view.error.message);
        seconds.set(name, [...(seconds.get(name) ?? []), run.seconds]);
        await bench.call("DELETE", new URL(run.view.links.self).pathname);
      }
    }
    const plain = median(seconds.get("plain") ?? []);
    for (const [name, all] of seconds) {
      const middle = median(all);
      const speed = `${Math.round((plain / middle) * 100)} % of the plain speed`;
      console.log(`${name.padEnd(25)} ${middle.toFixed(2)} s  ${speed}`);
    }
  },
);
