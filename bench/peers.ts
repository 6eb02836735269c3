import { join } from "node:path";

import { type BenchWorker, withBenchWorker } from "./bench-worker.ts";
import { exportD1 } from "./d1-export.ts";
import type { Dataset } from "./datasets.ts";
import { isolatePeakBytes } from "./isolate-memory.ts";
import { median } from "./processes.ts";

/** How one tool exports a database. */
export interface PeerMeasurement {
  tool: string;
  /** Median over the rounds; null if the tool fails. */
  seconds: number | null;
  /** Of the process that reads the database and writes the dump; null if it is not known. */
  peakMemoryBytes: number | null;
  /** Of the Worker's isolate, for tools that run in one. */
  isolatePeakBytes: number | null;
  /** Why the tool failed; null if it did not. */
  failure: string | null;
}

/** The tools over one database. */
export interface PeersMeasurement {
  dataset: string;
  /** Of SQL text. */
  bytes: number;
  tools: PeerMeasurement[];
}

/** Exports one database with this package and with other tools, in turn. */
export function measurePeers(
  { name, fill }: Dataset,
  options: { bytes: number; rounds: number },
): Promise<PeersMeasurement> {
  return withBenchWorker(
    (db) => fill(db, options.bytes),
    async (bench, folder) => {
      const { bytes } = await bench.call<{ bytes: number }>("GET", "/bench/encode");
      return { dataset: name, bytes, tools: await measureTools(bench, folder, options.rounds) };
    },
    { fillD1: true },
  );
}

async function measureTools(
  bench: BenchWorker,
  folder: string,
  rounds: number,
): Promise<PeerMeasurement[]> {
  const exportOf = (source: string) => async () => {
    const { view, seconds } = await bench.export({ source, compression: "none" });
    await bench.call("DELETE", new URL(view.links.self).pathname);
    return { seconds };
  };
  const starbase = async () => {
    const startMs = performance.now();
    await bench.call("GET", "/bench/starbasedb-dump");
    return { seconds: (performance.now() - startMs) / 1_000 };
  };
  const worker = (run: Run) => ({ run, isolate: () => isolatePeakBytes(bench.inspectorPort, run) });
  const tools: { tool: string; run: Run; isolate?: () => Promise<number> }[] = [
    { tool: "this package, of a Durable Object", ...worker(exportOf("main")) },
    { tool: "StarbaseDB's dump, of a Durable Object", ...worker(starbase) },
    { tool: "this package, of D1", ...worker(exportOf("d1")) },
    { tool: "`wrangler d1 export --local`", run: () => exportD1(join(folder)) },
  ];
  const found: PeerMeasurement[] = [];
  for (const { tool, run, isolate } of tools) {
    try {
      const runs = [];
      for (let round = 0; round < rounds; round += 1) runs.push(await run());
      found.push({
        tool,
        seconds: median(runs.map(({ seconds }) => seconds)),
        peakMemoryBytes:
          Math.max(...runs.map(({ peakMemoryBytes = 0 }) => peakMemoryBytes)) || null,
        isolatePeakBytes: isolate === undefined ? null : await isolate(),
        failure: null,
      });
    } catch (error) {
      const failure = error instanceof Error ? error.message : String(error);
      found.push({ tool, seconds: null, peakMemoryBytes: null, isolatePeakBytes: null, failure });
    }
  }
  return found;
}

type Run = () => Promise<{ seconds: number; peakMemoryBytes?: number }>;
