import { withBenchWorker } from "./bench-worker.ts";
import type { Dataset } from "./datasets.ts";
import { isolatePeakBytes } from "./isolate-memory.ts";
import type { Compression } from "./measurements.ts";
import { median, peakMemoryBytes, resetPeakMemory } from "./processes.ts";

/** NDJSON is the other format with a file per table. */
const FORMATS = ["ndjson", "parquet"] as const;

/** Exports of one database to Parquet and to NDJSON. */
export interface ParquetMeasurement {
  dataset: string;
  /** Of SQL text. */
  bytes: number;
  jobs: ParquetJob[];
}

interface ParquetJob {
  format: (typeof FORMATS)[number];
  compression: Compression;
  /** From POST to `completed`, by the job's own clock; the median over the rounds. */
  seconds: number;
  /** Of all files. */
  artifactBytes: number;
  /** Of the runtime's process over all rounds, including the simulated bucket. */
  peakMemoryBytes: number;
  /** Of the Worker's own isolate, in a job that is not timed. */
  isolatePeakBytes: number;
}

/** Exports one database to both formats; each round runs all compressions of both in turn. */
export function measureParquet(
  { name, fill }: Dataset,
  options: { bytes: number; rounds: number; compressions: readonly Compression[] },
): Promise<ParquetMeasurement> {
  return withBenchWorker(
    (db) => fill(db, options.bytes),
    async (bench) => {
      const { call, worker, inspectorPort } = bench;
      const { bytes } = await call<{ bytes: number }>("GET", "/bench/encode");
      const jobs = options.compressions.flatMap((compression) =>
        FORMATS.map((format) => ({ format, compression, times: [] as number[], peaks: [0] })),
      );
      const exportOnce = async (request: object) => {
        const { view, seconds } = await bench.export(request);
        await call("DELETE", new URL(view.links.self).pathname);
        const artifactBytes = view.artifacts.reduce((sum, artifact) => sum + artifact.bytes, 0);
        return { seconds, artifactBytes };
      };
      for (let round = 0; round < options.rounds; round += 1) {
        for (const { format, compression, times, peaks } of jobs) {
          resetPeakMemory(worker.pid);
          times.push((await exportOnce({ format, compression })).seconds);
          peaks.push(peakMemoryBytes(worker.pid));
        }
      }
      const measured: ParquetJob[] = [];
      for (const { format, compression, times, peaks } of jobs) {
        let artifactBytes = 0;
        const isolatePeak = await isolatePeakBytes(inspectorPort, async () => {
          ({ artifactBytes } = await exportOnce({ format, compression }));
        });
        measured.push({
          format,
          compression,
          seconds: median(times),
          artifactBytes,
          peakMemoryBytes: Math.max(...peaks),
          isolatePeakBytes: isolatePeak,
        });
      }
      return { dataset: name, bytes, jobs: measured };
    },
  );
}
