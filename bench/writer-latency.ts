import type { DatabaseSync } from "node:sqlite";

import { PAGE_BYTES } from "../src/api/limits.ts";
import { type BenchWorker, withBenchWorker } from "./bench-worker.ts";
import { exportD1 } from "./d1-export.ts";
import type { Dataset } from "./datasets.ts";
import { quantile } from "./processes.ts";

/** Milliseconds of one write. */
interface Latency {
  p50: number;
  p99: number;
  max: number;
  writes: number;
}

/** Milliseconds of an UPDATE of one row, from a Worker next to the database. */
export interface WriterLatency {
  idle: Latency;
  /** During consecutive exports that freeze an instant. */
  snapshot: Latency;
  live: Latency;
  /** The same writer and data in a local D1 database, without and during `wrangler d1 export`. */
  d1Idle: Latency;
  d1Export: Latency;
  /** The longest time that the writer waits for a page: the duration of one page query. */
  pageMs: number;
}

/** Written last, so that its rows are not exported yet when they are first changed. */
const ACCOUNTS = 100_000;
const ACCOUNTS_SQL = `CREATE TABLE accounts(id INTEGER PRIMARY KEY, balance INTEGER NOT NULL, note TEXT);
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${ACCOUNTS})
  INSERT INTO accounts SELECT i, 1000, 'account number ' || i FROM n`;

/** A writer that changes one random row after another, without and during exports. */
export function measureWriter(
  { fill }: Dataset,
  options: { bytes: number; seconds: number },
): Promise<WriterLatency> {
  const fillAll = (db: DatabaseSync): void => {
    fill(db, options.bytes);
    db.exec(ACCOUNTS_SQL);
  };
  const measureAll = async (bench: BenchWorker, folder: string): Promise<WriterLatency> => {
    const { call } = bench;
    const write = (to: string, ms: number): Promise<number[]> =>
      call("GET", `/bench/write?to=${to}&rows=${ACCOUNTS}&ms=${ms}`);
    const beside = async (to: string, work: () => Promise<unknown>): Promise<Latency> => {
      const over = new AbortController();
      const latencies = write(to, options.seconds * 1_000).finally(() => over.abort());
      // An operation that has started is completed: the next phase must not overlap it.
      while (!over.signal.aborted) await work();
      return latencyOf(await latencies);
    };
    for (const to of ["object", "d1"]) await write(to, 500);
    return {
      idle: await beside("object", pause),
      snapshot: await beside("object", () => bench.export({ consistency: "snapshot" })),
      live: await beside("object", () => bench.export({ consistency: "live" })),
      d1Idle: await beside("d1", pause),
      d1Export: await beside("d1", () => exportD1(folder)),
      pageMs: await pageMs(call),
    };
  };
  return withBenchWorker(fillAll, measureAll, { fillD1: true });
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 100));
}

async function pageMs(call: BenchWorker["call"]): Promise<number> {
  const { bytes } = await call<{ bytes: number }>("GET", "/bench/encode");
  const startMs = performance.now();
  await call("GET", "/bench/encode");
  return (performance.now() - startMs) / Math.max(1, bytes / PAGE_BYTES);
}

function latencyOf(ms: readonly number[]): Latency {
  return {
    p50: quantile(ms, 0.5),
    p99: quantile(ms, 0.99),
    max: quantile(ms, 1),
    writes: ms.length,
  };
}
