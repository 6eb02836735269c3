import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { findFreePort, type LocalWorker, startLocalWorker } from "../../../scripts/local-worker.ts";
import type { JobView } from "../../../src/api/job-view.ts";
import { ExportClient } from "../../../src/client/export-client.ts";

/** The tokens of the Worker; `full` is the default of `npm run dev`. */
export const TOKENS = { full: "ABC123", job: "DEF456", read: "your-read-token" };

/** Returns the configuration of one object of the embedded database's class. */
export const object = (name: string, more: object = {}): object => ({
  type: "durable-object",
  binding: "DATABASE_DURABLE_OBJECT",
  name,
  ...more,
});

/** Databases in different states of being backed up. Only `main` answers `POST /query`. */
export const SOURCES = {
  main: object("sql-durable-object"),
  notes: object("notes", { writable: true }),
  archive: object("archive", { writable: true }),
  copy: object("copy", { writable: true }),
  tenants: {
    type: "durable-object",
    binding: "DATABASE_DURABLE_OBJECT",
    names: "any",
    writable: true,
  },
};

/** Names that would run as code if the page took them for markup. */
export const MARKUP = '<img src=x onerror="document.body.textContent=1">';

export interface BackedUpWorker {
  url: string;
  client: ExportClient;
  stop: () => Promise<void>;
}

/** Starts the Worker with its own state. At the same port, a second start has the same address. */
async function startPageWorker(
  persistTo: string,
  { port, vars = {} }: { port?: number; vars?: Record<string, string> } = {},
): Promise<LocalWorker> {
  return startLocalWorker({
    persistTo,
    ...(port === undefined ? {} : { port }),
    vars: {
      ADMIN_AUTHORIZATION_TOKEN: TOKENS.full,
      EXPORT_JOB_TOKEN: TOKENS.job,
      EXPORT_READ_TOKEN: TOKENS.read,
      EXPORT_SOURCES: JSON.stringify(SOURCES),
      ...vars,
    },
  });
}

/**
 * Starts a Worker with a real history: exports that completed and failed, a restore, and tables and objects whose
 * names look like markup. `plant` may change the stopped Worker's state, such as the clock of its history. `lastVars`
 * are added to the vars when the Worker starts again.
 */
export async function startBackedUpWorker(
  fill: (client: ExportClient) => Promise<void>,
  plant: (persistTo: string) => void,
  vars: Record<string, string> = {},
  lastVars: Record<string, string> = {},
): Promise<BackedUpWorker> {
  const persistTo = mkdtempSync(join(tmpdir(), "page-worker-"));
  const port = await findFreePort();
  const client = new ExportClient({ url: `http://127.0.0.1:${port}`, token: TOKENS.full });
  let worker = await startPageWorker(persistTo, { port, vars });
  try {
    await fill(client);
    await worker.stop();
    plant(persistTo);
    worker = await startPageWorker(persistTo, { port, vars: { ...vars, ...lastVars } });
  } catch (error) {
    console.error(worker.output());
    await worker.stop();
    throw error;
  }
  return toBackedUpWorker(worker, persistTo);
}

/** Starts a Worker that has exported nothing yet. */
export async function startEmptyWorker(vars: Record<string, string>): Promise<BackedUpWorker> {
  const persistTo = mkdtempSync(join(tmpdir(), "page-worker-"));
  const worker = await startPageWorker(persistTo, { vars });
  return toBackedUpWorker(worker, persistTo);
}

/** Starts examples/mounted-app. Its start is without any export, and `/health` answers below its mount point. */
export async function startMountedApp(): Promise<BackedUpWorker> {
  const persistTo = mkdtempSync(join(tmpdir(), "mounted-app-"));
  const worker = await startLocalWorker({
    persistTo,
    config: join(import.meta.dirname, "../../../examples/mounted-app/wrangler.jsonc"),
    healthPath: "/backup/health",
    vars: { ADMIN_AUTHORIZATION_TOKEN: TOKENS.full },
  });
  return toBackedUpWorker(worker, persistTo, "/backup");
}

/** `path` is where the routes are mounted. */
function toBackedUpWorker(worker: LocalWorker, persistTo: string, path = ""): BackedUpWorker {
  const url = `${worker.url}${path}`;
  const stop = async (): Promise<void> => {
    await worker.stop();
    rmSync(persistTo, { recursive: true, force: true, maxRetries: 5 });
  };
  return { url, client: new ExportClient({ url, token: TOKENS.full }), stop };
}

/** Runs an export to its end, whatever that is. */
export async function exported(
  client: ExportClient,
  request: Parameters<ExportClient["start"]>[0],
): Promise<JobView> {
  return client.wait((await client.start(request)).jobId);
}

/** Restores an export into a database, so that it has content. */
export async function copied(
  client: ExportClient,
  jobId: string,
  target: { target: string; name?: string },
): Promise<void> {
  const restore = await client.restore({ from: { jobId }, ...target, verify: "counts" });
  const { status, error } = await client.waitForRestore(restore.jobId);
  if (status !== "completed") throw new Error(`${target.target}: ${error?.message}`);
}
