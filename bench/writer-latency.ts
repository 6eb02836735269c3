import type { DatabaseSync } from "node:sqlite";

import { PAGE_BYTES } from "../src/api/limits.ts";
import { type BenchWorker, withBenchWorker, withDatabaseApart } from "./bench-worker.ts";
import { exportD1 } from "./d1-export.ts";
import type { Dataset } from "./datasets.ts";
import { median, quantile } from "./processes.ts";

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
  /** During consecutive streams that freeze an instant. A job makes the same calls of the database. */
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

/**
 * A writer that changes one random row after another, without and during exports. The database is
 * in a process of its own; the D1 database shares one with everything else. `rounds` take turns, and
 * each has `seconds` for each of its phases.
 */
export async function measureWriter(
  { fill }: Dataset,
  options: { bytes: number; seconds: number; rounds: number },
): Promise<WriterLatency> {
  const fillAll = (db: DatabaseSync): void => {
    fill(db, options.bytes);
    db.exec(ACCOUNTS_SQL);
  };
  const ms = options.seconds * 1_000;
  const ofObject = await withDatabaseApart(fillAll, async (bench) => {
    const write = (): Promise<number[]> => bench.write({ rows: ACCOUNTS, ms });
    await bench.write({ rows: ACCOUNTS, ms: 500 });
    const works = {
      idle: pause,
      snapshot: () => bench.stream("snapshot"),
      live: () => bench.stream("live"),
    };
    const latencies = await measurePhases(works, write, options.rounds);
    return { ...latencies, pageMs: await pageMs(bench.call) };
  });
  const ofD1 = await withBenchWorker(
    fillAll,
    async ({ call }, folder) => {
      const write = (wanted: number): Promise<number[]> =>
        call("GET", `/bench/write?rows=${ACCOUNTS}&ms=${wanted}`);
      await write(500);
      const works = { d1Idle: pause, d1Export: () => exportD1(folder) };
      return measurePhases(works, () => write(ms), options.rounds);
    },
    { fillD1: true },
  );
  return { ...ofObject, ...ofD1 };
}

/** Measures the writer beside each kind of work, back to back; the rounds take turns. */
async function measurePhases<Name extends string>(
  works: Record<Name, () => Promise<unknown>>,
  write: () => Promise<number[]>,
  rounds: number,
): Promise<Record<Name, Latency>> {
  const found = new Map<string, Latency[]>();
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, work] of Object.entries<() => Promise<unknown>>(works)) {
      const over = new AbortController();
      const latencies = write().finally(() => over.abort());
      // An operation that has started is completed: the next phase must not overlap it.
      while (!over.signal.aborted) await work();
      found.set(name, [...(found.get(name) ?? []), latencyOf(await latencies)]);
    }
  }
  const entries = [...found].map(([name, all]) => [name, summarize(all)]);
  return Object.fromEntries(entries) as Record<Name, Latency>;
}

/** Medians of the rounds, the longest write of all, and the number of all writes. */
function summarize(rounds: readonly Latency[]): Latency {
  return {
    p50: median(rounds.map(({ p50 }) => p50)),
    p99: median(rounds.map(({ p99 }) => p99)),
    max: Math.max(...rounds.map(({ max }) => max)),
    writes: rounds.reduce((sum, { writes }) => sum + writes, 0),
  };
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
