import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import type { JobView } from "../src/model/job-view.ts";
import { type BenchWorker, findDatabase, startBenchWorker } from "./bench-worker.ts";
import type { Dataset } from "./datasets.ts";
import { median, peakMemoryBytes, quantile, resetPeakMemory, timeCommand } from "./processes.ts";

export const COMPRESSIONS = ["none", "gzip"] as const;
export type Compression = (typeof COMPRESSIONS)[number];

/** What one database came to. Seconds are medians over the rounds; bytes are of the SQL text. */
export interface Measurement {
  dataset: string;
  rows: number;
  bytes: number;
  /** Pages to bytes, no store. */
  encodeSeconds: number;
  shellDumpSeconds: number;
  shellGzipSeconds: number;
  /** A multipart upload of as many bytes into the same simulated bucket. */
  uploadSeconds: number;
  jobs: JobMeasurement[];
}

export interface JobMeasurement {
  compression: Compression;
  /** From POST to `completed`, verification included. */
  seconds: number;
  artifactBytes: number;
  /** Of the runtime's process over all rounds, the simulated bucket included. */
  peakMemoryBytes: number;
  usage: JobView["usage"];
}

/** Milliseconds of a one-row UPDATE over HTTP. */
export interface WriterLatency {
  idle: { p50: number; p99: number; writes: number };
  exporting: { p50: number; p99: number; writes: number };
  /** Longest page of the export as the writer can feel it: what one page query takes. */
  pageMs: number;
}

/** Runs `work` over a new local Worker and leaves nothing behind. */
function withBenchWorker<T>(
  fill: (db: DatabaseSync) => void,
  work: (bench: BenchWorker, folder: string) => Promise<T>,
): Promise<T> {
  return withFolder(async (folder) => {
    const bench = await startBenchWorker(join(folder, "state"), fill);
    try {
      return await work(bench, folder);
    } finally {
      await bench.worker.stop();
    }
  });
}

/** Runs `work` with a new folder, which is gone afterwards. */
async function withFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "durable-export-bench-"));
  const remove = () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  process.once("exit", remove);
  try {
    return await work(folder);
  } finally {
    remove();
    process.removeListener("exit", remove);
  }
}

/** Measures everything over one database, the contestants in turn within each round. */
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
      const peaks = new Map<Compression, number>();
      const views = new Map<Compression, JobView>();
      let encoded = { bytes: 0, rows: 0, rowsRead: 0 };
      for (let round = 0; round < rounds; round += 1) {
        const dump = `sqlite3 -readonly '${databasePath}' .dump`;
        took("shell dump", (await timeCommand(dump, join(folder, "dump.sql"))).seconds);
        const zipped = await timeCommand(`${dump} | gzip`, join(folder, "dump.sql.gz"));
        took("shell gzip", zipped.seconds);
        const encode = () => call<typeof encoded>("GET", "/bench/encode");
        encoded = await timed(encode, (seconds) => took("encode", seconds));
        const upload = () => call("GET", `/bench/upload?bytes=${encoded.bytes}`);
        await timed(upload, (seconds) => took("upload", seconds));
        for (const compression of compressions) {
          resetPeakMemory(worker.pid);
          const { view, seconds } = await bench.export({ compression });
          took(compression, seconds);
          const peak = peakMemoryBytes(worker.pid);
          peaks.set(compression, Math.max(peak, peaks.get(compression) ?? 0));
          views.set(compression, view);
          await call("DELETE", new URL(view.links.self).pathname);
        }
      }
      const middle = (what: string): number => median(times.get(what) ?? []);
      return {
        dataset: name,
        rows: encoded.rows,
        bytes: encoded.bytes,
        encodeSeconds: middle("encode"),
        shellDumpSeconds: middle("shell dump"),
        shellGzipSeconds: middle("shell gzip"),
        uploadSeconds: middle("upload"),
        jobs: compressions.map((compression) => {
          const view = views.get(compression) as JobView;
          return {
            compression,
            seconds: middle(compression),
            artifactBytes: view.artifacts.reduce((sum, artifact) => sum + artifact.bytes, 0),
            peakMemoryBytes: peaks.get(compression) ?? 0,
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

const D1_CONFIG = {
  name: "durable-export-bench-d1",
  compatibility_date: "2026-11-01",
  d1_databases: [
    { binding: "DB", database_name: "bench", database_id: "00000000-0000-4000-8000-000000000000" },
  ],
};

/** Seconds of `wrangler d1 export --local` over the same content. The tool's own start is part of it. */
export function measureD1Export({ fill }: Dataset, bytes: number): Promise<number> {
  return withFolder(async (folder) => {
    // The export knows no other state than the one beside its configuration.
    const config = join(folder, "wrangler.json");
    writeFileSync(config, JSON.stringify(D1_CONFIG));
    const wrangler = createRequire(import.meta.url).resolve("wrangler/package.json");
    const command = (words: string): string =>
      `'${process.execPath}' '${join(wrangler, "..", "bin", "wrangler.js")}' d1 ${words} --local ` +
      `--config '${config}'`;
    const output = join(folder, "output");
    await timeCommand(command("execute bench --command 'SELECT 1'"), output);
    const root = join(folder, ".wrangler", "state", "v3", "d1");
    const db = new DatabaseSync(findDatabase(root, "D1DatabaseObject"));
    db.exec("PRAGMA synchronous = OFF; BEGIN");
    fill(db, bytes);
    db.exec("COMMIT");
    db.close();
    const dump = join(folder, "d1.sql");
    return (await timeCommand(command(`export bench --output '${dump}'`), output)).seconds;
  });
}

/** A writer that changes one row after the other over HTTP, without and beside exports. */
export function measureWriter(
  { fill }: Dataset,
  options: { bytes: number; seconds: number },
): Promise<WriterLatency> {
  return withBenchWorker(
    (db) => {
      fill(db, options.bytes);
      db.exec(`CREATE TABLE accounts(id INTEGER PRIMARY KEY, balance INTEGER NOT NULL);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
        INSERT INTO accounts SELECT i, 1000 FROM n`);
    },
    async (bench) => {
      const { call } = bench;
      let account = 0;
      const write = async (): Promise<number> => {
        account = (account % 1_000) + 1;
        const startMs = performance.now();
        const sql = `UPDATE accounts SET balance = balance + 1 WHERE id = ${account}`;
        await call("POST", "/query", { sql });
        return performance.now() - startMs;
      };
      const writeWhile = async (isOn: () => boolean): Promise<number[]> => {
        const latencies: number[] = [];
        while (isOn()) latencies.push(await write());
        return latencies;
      };
      for (let warm = 0; warm < 100; warm += 1) await write();
      const endMs = performance.now() + options.seconds * 1_000;
      const idle = await writeWhile(() => performance.now() < endMs);
      const exportsEndMs = performance.now() + options.seconds * 1_000;
      let isExporting = true;
      const exports = (async () => {
        while (performance.now() < exportsEndMs) await bench.export({});
        isExporting = false;
      })();
      const exporting = await writeWhile(() => isExporting);
      await exports;
      const whole = await timed(
        () => call<{ bytes: number }>("GET", "/bench/encode"),
        () => {},
      );
      const startMs = performance.now();
      await call("GET", "/bench/encode");
      const pages = Math.max(1, whole.bytes / 1_048_576);
      return {
        idle: latencyOf(idle),
        exporting: latencyOf(exporting),
        pageMs: (performance.now() - startMs) / pages,
      };
    },
  );
}

function latencyOf(ms: readonly number[]): { p50: number; p99: number; writes: number } {
  return { p50: quantile(ms, 0.5), p99: quantile(ms, 0.99), writes: ms.length };
}
