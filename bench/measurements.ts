import { join } from "node:path";

import type { JobView } from "../src/api/job-view.ts";
import { withBenchWorker } from "./bench-worker.ts";
import type { Dataset } from "./datasets.ts";
import { isolatePeakBytes } from "./isolate-memory.ts";
import {
  median,
  peakMemoryBytes,
  resetPeakMemory,
  shellVersion,
  spreadOf,
  timeCommand,
} from "./processes.ts";

export const COMPRESSIONS = ["none", "gzip", "zstd"] as const;
export type Compression = (typeof COMPRESSIONS)[number];

/** The results for one database. Seconds are medians over the rounds; bytes are of the SQL text. */
export interface Measurement {
  dataset: string;
  rows: number;
  bytes: number;
  /** Pages to bytes, without a store. */
  encodeSeconds: number;
  /** Of the `sqlite3` shell; null if it is not installed. */
  shellDumpSeconds: number | null;
  shellGzipSeconds: number | null;
  /** A multipart upload of the same number of bytes into the same simulated bucket. */
  uploadSeconds: number;
  /** Of the runtime's process while only that upload ran. */
  uploadPeakMemoryBytes: number;
  jobs: JobMeasurement[];
  /** How far a round was from its median at most, as a share of the median, in all of the above. */
  spread: number;
}

export interface JobMeasurement {
  compression: Compression;
  /** From POST to `completed`, including verification. */
  seconds: number;
  artifactBytes: number;
  /** Of the runtime's process over all rounds, including the simulated bucket. */
  peakMemoryBytes: number;
  /** Of the Worker's own isolate, in a job that is not timed. */
  isolatePeakBytes: number;
  usage: JobView["usage"];
}

/** Measures everything for one database; each round runs all contestants in turn. */
export function measure(
  { name, fill }: Dataset,
  options: { bytes: number; rounds: number; compressions: readonly Compression[] },
): Promise<Measurement> {
  const { rounds, compressions } = options;
  return withBenchWorker(
    (db) => fill(db, options.bytes),
    async (bench, folder) => {
      const { call, worker, databasePath } = bench;
      const times = new Map<string, number[]>();
      const took = (what: string, seconds: number): void => {
        times.set(what, [...(times.get(what) ?? []), seconds]);
      };
      const peaks = new Map<string, number>();
      const peaked = (what: string): void => {
        peaks.set(what, Math.max(peakMemoryBytes(worker.pid), peaks.get(what) ?? 0));
      };
      const views = new Map<Compression, JobView>();
      const exportOnce = async (compression: Compression): Promise<number> => {
        const { view, seconds } = await bench.export({ compression });
        views.set(compression, view);
        await call("DELETE", new URL(view.links.self).pathname);
        return seconds;
      };
      let encoded = { bytes: 0, rows: 0, rowsRead: 0 };
      for (let round = 0; round < rounds; round += 1) {
        if (shellVersion() !== null) {
          const dump = `sqlite3 -readonly '${databasePath}' .dump`;
          took("shell dump", (await timeCommand(dump, join(folder, "dump.sql"))).seconds);
          const zipped = await timeCommand(`${dump} | gzip`, join(folder, "dump.sql.gz"));
          took("shell gzip", zipped.seconds);
        }
        const encode = () => call<typeof encoded>("GET", "/bench/encode");
        encoded = await timed(encode, (seconds) => took("encode", seconds));
        const upload = () => call("GET", `/bench/upload?bytes=${encoded.bytes}`);
        resetPeakMemory(worker.pid);
        await timed(upload, (seconds) => took("upload", seconds));
        peaked("upload");
        for (const compression of compressions) {
          resetPeakMemory(worker.pid);
          took(compression, await exportOnce(compression));
          peaked(compression);
        }
      }
      const isolatePeaks = new Map<Compression, number>();
      for (const compression of compressions) {
        const peak = await isolatePeakBytes(bench.inspectorPort, () => exportOnce(compression));
        isolatePeaks.set(compression, peak);
      }
      const middle = (what: string): number => median(times.get(what) ?? []);
      return {
        dataset: name,
        rows: encoded.rows,
        bytes: encoded.bytes,
        encodeSeconds: middle("encode"),
        shellDumpSeconds: times.has("shell dump") ? middle("shell dump") : null,
        shellGzipSeconds: times.has("shell gzip") ? middle("shell gzip") : null,
        uploadSeconds: middle("upload"),
        uploadPeakMemoryBytes: peaks.get("upload") ?? 0,
        spread: Math.max(...[...times.values()].map(spreadOf)),
        jobs: compressions.map((compression) => {
          const view = views.get(compression) as JobView;
          return {
            compression,
            seconds: middle(compression),
            artifactBytes: view.artifacts.reduce((sum, artifact) => sum + artifact.bytes, 0),
            peakMemoryBytes: peaks.get(compression) ?? 0,
            isolatePeakBytes: isolatePeaks.get(compression) ?? 0,
            usage: view.usage,
          };
        }),
      };
    },
  );
}

async function timed<T>(work: () => Promise<T>, onSeconds: (seconds: number) => void): Promise<T> {
  const startMs = performance.now();
  const result = await work();
  onSeconds((performance.now() - startMs) / 1_000);
  return result;
}
