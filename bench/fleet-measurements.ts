import { createHash, createHmac } from "node:crypto";
import { constants, copyFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { nameTenant, type TenantRange } from "../demo/tenants/tenant.ts";
import { type LocalWorker, startLocalWorker } from "../scripts/local-worker.ts";
import type { FleetView } from "../src/api/fleet-view.ts";
import { ExportClient } from "../src/client/export-client.ts";
import { withFolder } from "./folder.ts";
import { FLEET_ROWS } from "./fleet-costs.ts";
import { peakMemoryBytes, resetPeakMemory } from "./processes.ts";

const TOKEN = "bench-token-0123456789";
const CONFIG = join(import.meta.dirname, "../demo/tenants/wrangler.jsonc");

/** The Worker and class of the tenants, as the local runtime's state and ids contain them. */
const CLASS = "durable-export-tenants-Database";

/** With so many rows a tenant's plain file has about 100 KB. */
const NOTES = 1_250;

/** How many tenants are also exported one by one. */
const SINGLE_EXPORTS = 20;

/** A fleet of equal tenants. Seconds are of one round. */
export interface FleetMeasurement {
  tenants: number;
  /** Of a tenant's plain file. */
  bytes: number;
  rows: number;
  /** To make the tenants. */
  fillSeconds: number;
  /** From POST to `completed`, by the fleet's own clock. */
  seconds: number;
  /** Of the export of one tenant, as the mean of a few that ran one after the other. */
  singleSeconds: number;
  packs: number;
  steps: number;
  r2ClassAOperations: number;
  rowsRead: number;
  /** Into the job tables: calculated from the packs, as docs/fleets.md does. A test counts them. */
  rowsWritten: number;
  /** Of the runtime's process, with the simulated bucket. */
  peakMemoryBytes: number;
}

/** Backs up `tenants` databases of about 100 KB as one fleet. At most 10,000, since the request lists their names. */
export function measureFleet(tenants: number): Promise<FleetMeasurement> {
  return withFolder(async (folder) => {
    const state = join(folder, "state");
    const names = Array.from({ length: tenants }, (_, number) => nameTenant(number));
    const startMs = performance.now();
    await makeFirstTenant(state);
    copyFirstTenant(state, names);
    const fillSeconds = (performance.now() - startMs) / 1_000;
    return withTenants(state, async (client, worker) => {
      resetPeakMemory(worker.pid);
      const { fleetId } = await client.startFleet({ source: "tenants", names });
      const view = await client.waitForFleet(fleetId);
      requireWhole(view, tenants);
      const { progress, packs, usage } = view;
      return {
        tenants,
        bytes: progress.bytes / tenants,
        rows: progress.rows / tenants,
        fillSeconds,
        seconds: secondsOf(view),
        peakMemoryBytes: peakMemoryBytes(worker.pid),
        singleSeconds: await measureSingles(client, names.slice(0, SINGLE_EXPORTS)),
        packs: packs.length,
        steps: usage.steps,
        r2ClassAOperations: usage.r2ClassAOperations,
        rowsRead: usage.rowsRead,
        rowsWritten: FLEET_ROWS.writtenAFleet + packs.length * FLEET_ROWS.writtenABatch,
      };
    });
  });
}

async function withTenants<T>(
  state: string,
  work: (client: ExportClient, worker: LocalWorker) => Promise<T>,
): Promise<T> {
  const vars = { ADMIN_AUTHORIZATION_TOKEN: TOKEN };
  const worker = await startLocalWorker({ persistTo: state, config: CONFIG, vars });
  try {
    return await work(new ExportClient({ url: worker.url, token: TOKEN }), worker);
  } catch (error) {
    console.error(worker.output());
    throw error;
  } finally {
    await worker.stop();
  }
}

function makeFirstTenant(state: string): Promise<void> {
  return withTenants(state, async (_, { url }) => {
    const range: TenantRange = { from: 0, to: 1, notes: NOTES };
    const response = await fetch(`${url}/demo/tenants`, {
      method: "POST",
      body: JSON.stringify(range),
    });
    if (!response.ok) throw new Error(`the tenant was not made: ${await response.text()}`);
  });
}

/** Making 10,000 objects by calls would take longer than their backup. */
function copyFirstTenant(state: string, [first = "", ...others]: readonly string[]): void {
  const pathOf = (name: string): string =>
    join(state, "v3", "do", CLASS, `${calculateId(name)}.sqlite`);
  const from = pathOf(first);
  if (!existsSync(from)) throw new Error(`the local runtime keeps ${first} in another file`);
  // Everything into the one file.
  const db = new DatabaseSync(from);
  db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  db.close();
  for (const name of others) copyFileSync(from, pathOf(name), constants.COPYFILE_FICLONE);
}

/** Returns the id of a named object, as the local runtime's `idFromName` calculates it. */
function calculateId(name: string): string {
  const key = createHash("sha256").update(CLASS).digest();
  const half = (data: string | Buffer): Buffer =>
    createHmac("sha256", key).update(data).digest().subarray(0, 16);
  const named = half(name);
  return Buffer.concat([named, half(named)]).toString("hex");
}

function requireWhole({ status, members, error }: FleetView, tenants: number): void {
  if (status === "completed" && members.packed === tenants) return;
  throw new Error(`the fleet is ${status}: ${JSON.stringify({ members, error })}`);
}

async function measureSingles(client: ExportClient, names: readonly string[]): Promise<number> {
  let seconds = 0;
  for (const name of names) {
    const { jobId } = await client.start({ source: "tenants", name });
    const view = await client.wait(jobId);
    if (view.status !== "completed") throw new Error(`the export of ${name} is ${view.status}`);
    seconds += secondsOf(view);
  }
  return seconds / names.length;
}

function secondsOf(view: { createdAt: string; completedAt: string | null }): number {
  return (Date.parse(view.completedAt ?? "") - Date.parse(view.createdAt)) / 1_000;
}
