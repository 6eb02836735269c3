import { PAGES_AHEAD_DEFAULT } from "../src/api/limits.ts";
import { withBenchWorker } from "./bench-worker.ts";
import type { Dataset } from "./datasets.ts";
import type { Compression } from "./measurements.ts";
import { median } from "./processes.ts";

/** How much longer each call of the database and of the bucket takes, in milliseconds. */
const DELAYS_MS = [0, 5, 25, 100];

/** How many pages are requested at a time: one shows what the others save. */
const PAGES_AHEAD = [1, PAGES_AHEAD_DEFAULT];

/** Jobs over one database at each distance. */
export interface FarMeasurement {
  dataset: string;
  /** Of SQL text. */
  bytes: number;
  compression: Compression;
  /** How many pages the jobs request at a time. */
  pagesAhead: number;
  /** From POST to `completed`, by the job's own clock; medians over the rounds. */
  secondsByDelay: { delayMs: number; seconds: number }[];
}

/** Exports one database at each distance; each round runs all distances in turn. */
export function measureFar(
  { name, fill }: Dataset,
  options: { bytes: number; rounds: number; compressions: readonly Compression[] },
): Promise<FarMeasurement[]> {
  return withBenchWorker(
    (db) => fill(db, options.bytes),
    async ({ call, export: run }) => {
      const { bytes } = await call<{ bytes: number }>("GET", "/bench/encode");
      const jobs = options.compressions.flatMap((compression) =>
        PAGES_AHEAD.map((pagesAhead) => ({
          compression,
          pagesAhead,
          times: DELAYS_MS.map((delayMs) => ({ delayMs, seconds: [] as number[] })),
        })),
      );
      for (let round = 0; round < options.rounds; round += 1) {
        for (const [at, delayMs] of DELAYS_MS.entries()) {
          for (const { compression, pagesAhead, times } of jobs) {
            await call("GET", `/bench/delay?ms=${delayMs}&pages=${pagesAhead}`);
            const { view, seconds } = await run({ compression });
            times[at]?.seconds.push(seconds);
            await call("DELETE", new URL(view.links.self).pathname);
          }
        }
      }
      return jobs.map(({ times, ...job }) => ({
        dataset: name,
        bytes,
        ...job,
        secondsByDelay: times.map(({ delayMs, seconds }) => ({
          delayMs,
          seconds: median(seconds),
        })),
      }));
    },
  );
}
