import { randomUUID } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { findFreePort, type LocalWorker, startLocalWorker } from "../scripts/local-worker.ts";
import type { RestoreView } from "../src/api/restore-view.ts";
import type { JobView } from "../src/api/job-view.ts";
import { withFolder } from "./folder.ts";

/** Everything in one process, or the database in a process of its own. */
const CONFIG = join(import.meta.dirname, "wrangler.jsonc");
const APART_CONFIG = join(import.meta.dirname, "wrangler.apart.jsonc");
const DATABASE_CONFIG = join(import.meta.dirname, "wrangler.database.jsonc");

/**
 * How long to wait between polls of a job, as a share of its time so far, and in ms: a request
 * takes 3 ms of the single core that the local runtime uses. The job itself records when it ends.
 */
const POLL_SHARE = 0.3;
const POLL_MS_MIN = 50;

/**
 * `wrangler dev` records every call and query of a Worker for its local dashboard, which no
 * deployment does: 7 % of the time of encoding, a third of a job's over 500 tables (wrangler 4.156,
 * November 2026).
 */
const WITHOUT_TRACING = { X_LOCAL_OBSERVABILITY: "false" };

/**
 * Runs `work` with a new local Worker and leaves nothing behind afterwards. The runtime's state is
 * in the place where wrangler expects it for a configuration in `folder`.
 */
export function withBenchWorker<T>(
  fill: (db: DatabaseSync) => void,
  work: (bench: BenchWorker, folder: string) => Promise<T>,
  options: { fillD1?: boolean } = {},
): Promise<T> {
  return withFolder(async (folder) => {
    const bench = await startBenchWorker(join(folder, ".wrangler", "state"), fill, options);
    try {
      return await work(bench, folder);
    } finally {
      await bench.worker.stop();
    }
  });
}

/** A database in a process of its own. */
export interface DatabaseApart extends Pick<BenchWorker, "call"> {
  /** Reads a stream of the database to its end. */
  stream: (consistency: "snapshot" | "live") => Promise<void>;
  /** Runs a writer beside the database for `ms`; returns the milliseconds of each write. */
  write: (options: { rows: number; ms: number }) => Promise<number[]>;
}

/**
 * Like `withBenchWorker`, with the source database and a writer beside it in another process: their
 * turns wait for each other only, as in a deployment. There are streams but no jobs: workerd
 * 1.20261102.1 crashes if a Workflow calls an object of another process (November 2026).
 */
export function withDatabaseApart<T>(
  fill: (db: DatabaseSync) => void,
  work: (bench: DatabaseApart) => Promise<T>,
): Promise<T> {
  return withFolder(async (folder) => {
    const environment = { ...WITHOUT_TRACING, WRANGLER_REGISTRY_PATH: join(folder, "registry") };
    const persistTo = join(folder, "database");
    const start = () => startLocalWorker({ persistTo, config: DATABASE_CONFIG, environment });
    const token = randomUUID();
    const first = await start();
    await caller(first, token)("GET", "/bench/write?ms=0");
    await first.stop();
    fillFile(findDatabase(join(persistTo, "v3", "do"), "-Database"), fill);
    const database = await start();
    let worker: LocalWorker | undefined;
    try {
      worker = await startLocalWorker({
        persistTo: join(folder, "state"),
        config: APART_CONFIG,
        vars: { ADMIN_AUTHORIZATION_TOKEN: token, EXPORT_SOURCES: JSON.stringify(SOURCES) },
        environment,
      });
      const { url } = worker;
      return await work({
        call: caller(worker, token),
        stream: async (consistency) => {
          const path = `/export/dump?source=main&consistency=${consistency}`;
          const response = await fetch(url + path, {
            headers: { authorization: `Bearer ${token}` },
          });
          if (!response.ok) throw new Error(`GET ${path}: ${response.status}`);
          for await (const _ of response.body ?? []);
        },
        write: ({ rows, ms }) =>
          caller(database, token)("GET", `/bench/write?rows=${rows}&ms=${ms}`),
      });
    } finally {
      await worker?.stop();
      await database.stop();
    }
  });
}

/**
 * The Worker of `bench/worker.ts` in the local runtime, with a database that `fill` has written.
 */
export interface BenchWorker {
  worker: LocalWorker;
  inspectorPort: number;
  /** The source database's file. */
  databasePath: string;
  call: <T>(method: string, path: string, body?: object) => Promise<T>;
  /**
   * Runs one job from POST to completion, by the job's own clock; throws unless it is completed.
   */
  export: (request: object) => Promise<{ view: JobView; seconds: number }>;
  /** Runs one restore into a fresh object, as `export` runs an export. */
  restore: (request: object) => Promise<{ view: RestoreView; seconds: number }>;
  download: (view: JobView) => Promise<Buffer>;
  /** Stores an object in the bucket. */
  put: (key: string, bytes: Buffer) => Promise<void>;
}

/** The source, and objects to restore into. */
const SOURCES = {
  main: { type: "durable-object", binding: "DATABASE_DURABLE_OBJECT", name: "sql-durable-object" },
  d1: { type: "d1", binding: "BENCH_DB" },
  copies: {
    type: "durable-object",
    binding: "DATABASE_DURABLE_OBJECT",
    names: "any",
    writable: true,
  },
};

/**
 * Creates the databases' files with a first start of the runtime, fills the source's file while the
 * runtime is down, and starts it again: the measured process contains no traces of loading.
 */
async function startBenchWorker(
  state: string,
  fill: (db: DatabaseSync) => void,
  { fillD1 = false }: { fillD1?: boolean },
): Promise<BenchWorker> {
  const token = randomUUID();
  const inspectorPort = await findFreePort();
  const start = () =>
    startLocalWorker({
      persistTo: state,
      config: CONFIG,
      vars: { ADMIN_AUTHORIZATION_TOKEN: token, EXPORT_SOURCES: JSON.stringify(SOURCES) },
      environment: WITHOUT_TRACING,
      inspectorPort,
    });
  const first = await start();
  await caller(first, token)("POST", "/query", { sql: "SELECT 1" });
  await caller(first, token)("GET", "/bench/write?ms=0");
  await first.stop();
  const databasePath = findDatabase(join(state, "v3", "do"), "-Database");
  fillFile(databasePath, fill);
  if (fillD1) fillFile(findDatabase(join(state, "v3", "d1"), "D1DatabaseObject"), fill);
  const worker = await start();
  const call = caller(worker, token);
  return {
    worker,
    inspectorPort,
    databasePath,
    call,
    export: (request) => runJob<JobView>(call, "/export/dump", { source: "main", ...request }),
    restore: (request) =>
      runJob<RestoreView>(call, "/import/dump", {
        target: "copies",
        name: randomUUID(),
        ...request,
      }),
    download: async (view) => {
      const url = `${worker.url}/export/dump/${view.jobId}/download`;
      const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
      return Buffer.from(await response.arrayBuffer());
    },
    put: async (key, bytes) => {
      const url = `${worker.url}/bench/put?key=${key}`;
      const response = await fetch(url, { method: "PUT", body: Uint8Array.from(bytes) });
      if (!response.ok) throw new Error(`PUT ${key}: ${response.status}`);
      await response.text();
    },
  };
}

/** Runs a job from POST to completion; its own clock measures it. Throws unless it is completed. */
async function runJob<View extends JobView | RestoreView>(
  call: (method: string, path: string, body?: object) => Promise<View>,
  path: string,
  request: object,
): Promise<{ view: View; seconds: number }> {
  const startMs = performance.now();
  let view = await call("POST", path, request);
  const self = new URL(view.links.self).pathname;
  while (view.status === "queued" || view.status === "running") {
    const waitMs = Math.max(POLL_MS_MIN, (performance.now() - startMs) * POLL_SHARE);
    await new Promise((resolve) => setTimeout(resolve, waitMs));
    view = await call("GET", self);
  }
  if (view.status !== "completed" || view.completedAt === null) {
    throw new Error(`the job is ${view.status}: ${JSON.stringify(view.error)}`);
  }
  return { view, seconds: (Date.parse(view.completedAt) - Date.parse(view.createdAt)) / 1_000 };
}

/** Writes a database's file, which no other process may have open. */
export function fillFile(path: string, fill: (db: DatabaseSync) => void): void {
  const db = new DatabaseSync(path);
  db.exec("PRAGMA synchronous = OFF; BEGIN");
  fill(db);
  db.exec("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
  db.close();
}

/** The one database of an object's class, below the runtime's folder for such states. */
export function findDatabase(root: string, classSuffix: string): string {
  for (const folder of readdirSync(root).filter((name) => name.endsWith(classSuffix))) {
    const file = readdirSync(join(root, folder)).find(
      (name) => name.endsWith(".sqlite") && name !== "metadata.sqlite",
    );
    if (file !== undefined) return join(root, folder, file);
  }
  throw new Error(`there is no database below ${root}`);
}

function caller(worker: LocalWorker, token: string): BenchWorker["call"] {
  return async <T>(method: string, path: string, body?: object): Promise<T> => {
    const response = await fetch(`${worker.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return (text === "" ? undefined : JSON.parse(text)) as T;
  };
}
