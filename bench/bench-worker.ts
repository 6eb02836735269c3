import { randomUUID } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { type LocalWorker, startLocalWorker } from "../scripts/local-worker.ts";
import type { JobView } from "../src/model/job-view.ts";

const CONFIG = join(import.meta.dirname, "wrangler.jsonc");
const POLL_MS = 20;

/** The Worker of `bench/worker.ts` in the local runtime, over a database that `fill` has written. */
export interface BenchWorker {
  worker: LocalWorker;
  /** The source database's file. */
  databasePath: string;
  call: <T>(method: string, path: string, body?: object) => Promise<T>;
  /** Runs one job from POST to its end; throws unless it is completed. */
  export: (request: object) => Promise<{ view: JobView; seconds: number }>;
}

/**
 * Makes the databases' files by a first start of the runtime, fills the source's while it is down,
 * and starts it again: nothing of the loading is left in the measured process.
 */
export async function startBenchWorker(
  state: string,
  fill: (db: DatabaseSync) => void,
): Promise<BenchWorker> {
  const token = randomUUID();
  const start = () =>
    startLocalWorker({
      persistTo: state,
      config: CONFIG,
      vars: { ADMIN_AUTHORIZATION_TOKEN: token },
    });
  const first = await start();
  await caller(first, token)("POST", "/query", { sql: "SELECT 1" });
  await first.stop();
  const databasePath = findDatabase(join(state, "v3", "do"), "-Database");
  const db = new DatabaseSync(databasePath);
  db.exec("PRAGMA synchronous = OFF; BEGIN");
  fill(db);
  db.exec("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
  db.close();
  const worker = await start();
  const call = caller(worker, token);
  return {
    worker,
    databasePath,
    call,
    export: async (request) => {
      const startMs = performance.now();
      let view = await call<JobView>("POST", "/export/dump", request);
      const path = new URL(view.links.self).pathname;
      while (view.status === "queued" || view.status === "running") {
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
        view = await call<JobView>("GET", path);
      }
      const seconds = (performance.now() - startMs) / 1_000;
      if (view.status !== "completed") {
        throw new Error(`the export is ${view.status}: ${JSON.stringify(view.error)}`);
      }
      return { view, seconds };
    },
  };
}

/** The one database of an object's class, below the runtime's folder of such states. */
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
