import { withBenchWorker } from "./bench-worker.ts";
import type { Dataset } from "./datasets.ts";
import type { Compression } from "./measurements.ts";
import { median } from "./processes.ts";

/** How much longer each call of the database and of the bucket takes, in milliseconds. */
export const DELAYS_MS = [0, 5, 25, 100] as const;

/** Jobs over one database at each distance. */
export interface FarMeasurement {
  dataset: string;
  /** Of SQL text. */
  bytes: number;
  compression: Compression;
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
      const times = new Map<string, number[]>();
      for (let round = 0; round < options.rounds; round += 1) {
        for (const compression of options.compressions) {
          for (const delayMs of DELAYS_MS) {
            await call("GET", `/bench/delay?ms=${delayMs}`);
            const { view, seconds } = await run({ compression });
            const key = `${compression} ${delayMs}`;
            times.set(key, [...(times.get(key) ?? []), seconds]);
            await call("DELETE", new URL(view.links.self).pathname);
          }
        }
      }
      return options.compressions.map((compression) => ({
        dataset: name,
        bytes,
        compression,
        secondsByDelay: DELAYS_MS.map((delayMs) => ({
          delayMs,
          seconds: median(times.get(`${compression} ${delayMs}`) ?? []),
        })),
      }));
    },
  );
}
