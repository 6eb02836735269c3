import { env } from "cloudflare:test";
import { expect } from "vitest";

import type { FleetView, MemberPage } from "../../src/api/fleet-view.ts";
import { durableObjectSource } from "../../src/databases/durable-object/durable-object-source.ts";
import type { Source } from "../../src/databases/source.ts";
import { api } from "./api.ts";
import { listStoredKeys } from "./stored-keys.ts";
import { inJobs } from "./writing-job.ts";

const vars = env as unknown as Record<string, string>;

/**
 * Lets databases of up to `bytes` be read in one turn; `restoreOneTurn` ends it. Call it before anything else in a file:
 * the settings are read once.
 */
export function allowOneTurn(bytes = 65_536): void {
  vars["EXPORT_ONE_TURN_BYTES"] = String(bytes);
}

/** Lets no database be read in one turn, as in most tests. */
export function restoreOneTurn(): void {
  vars["EXPORT_ONE_TURN_BYTES"] = "0";
}

/** Opens an object of the class that the source `tenants` names. */
export function openTenant(name: string): Source {
  return durableObjectSource(
    () => env.DATABASE_DURABLE_OBJECT.getByName(name),
    "DATABASE_DURABLE_OBJECT",
  );
}

/** Fills the databases of members with two rows each, unless they have them. */
export async function fillTenants(names: readonly string[]): Promise<void> {
  for (const name of names) {
    await openTenant(name).transaction([
      { sql: "CREATE TABLE IF NOT EXISTS notes(id INTEGER PRIMARY KEY, text)" },
      { sql: "INSERT OR REPLACE INTO notes VALUES (1, ?)", params: [name] },
      { sql: "INSERT OR REPLACE INTO notes VALUES (2, 'two')" },
    ]);
  }
}

/** Adds a row that does not fit into one turn. */
export async function enlargeTenant(name: string): Promise<void> {
  await openTenant(name).query({
    sql: "INSERT OR REPLACE INTO notes VALUES (3, hex(zeroblob(100000)))",
  });
}

/** Asks for a fleet of the source `tenants`. */
export function requestFleet(body: object, headers: HeadersInit = {}): Promise<Response> {
  const sent = JSON.stringify({ source: "tenants", ...body });
  return api("/export/fleet", { method: "POST", headers, body: sent });
}

/** Starts a fleet; the answer must be 202. */
export async function startFleet(body: object): Promise<FleetView> {
  const response = await requestFleet(body);
  const view = await response.json<FleetView>();
  expect(response.status, JSON.stringify(view)).toBe(202);
  return view;
}

/** Returns a fleet's view now. */
export async function viewFleet(fleetId: string): Promise<FleetView> {
  return (await api(`/export/fleet/${fleetId}`)).json<FleetView>();
}

/** Waits until a fleet has ended, and returns its view. */
export async function endedFleet(fleetId: string): Promise<FleetView> {
  for (;;) {
    const view = await viewFleet(fleetId);
    if (view.status !== "queued" && view.status !== "running") return view;
    await scheduler.wait(50);
  }
}

/** Starts a fleet and waits until it has ended. */
export async function backUpFleet(body: object): Promise<FleetView> {
  return endedFleet((await startFleet(body)).fleetId);
}

/** Asks for the dump of a member. */
export function requestMember(
  fleetId: string,
  name: string,
  headers: HeadersInit = {},
): Promise<Response> {
  return api(`/export/fleet/${fleetId}/download?name=${encodeURIComponent(name)}`, { headers });
}

/** Returns a page of a fleet's members. */
export async function listMembersOf(fleetId: string, query = ""): Promise<MemberPage> {
  const response = await api(`/export/fleet/${fleetId}/members${query}`);
  const page = await response.json<MemberPage>();
  expect(response.status, JSON.stringify(page)).toBe(200);
  return page;
}

/** Returns what the bucket has of a fleet: the names of its files, without the parts that are random. */
export async function filesOfFleet(fleetId: string): Promise<string[]> {
  const keys = await listStoredKeys(fleetId);
  return keys
    .map((key) => key.split("/").at(-1) ?? "")
    .map((name) => name.replace(/-[0-9a-f]{8}\./, "."))
    .sort();
}

/**
 * Records a restore that begins now, of an object of the class, and returns how to forget it. `completed` ones hold no
 * lock.
 */
export async function recordRestore(restore: {
  state: "running" | "completed";
  member?: string;
  from?: object;
}): Promise<() => Promise<unknown>> {
  const { state, member, from } = restore;
  const restoreId = crypto.randomUUID();
  const nowMs = Date.now();
  const id = member === undefined ? "" : env.DATABASE_DURABLE_OBJECT.idFromName(member).toString();
  await inJobs(
    `INSERT INTO tmp_export_jobs (job_id, kind, source, database_key, state, request_json, request_digest,
       origin, run, created_at_ms, completed_at_ms, heartbeat_at_ms, callback_status)
     VALUES (?1, 'restore', 'copies', ?2, ?3, ?4, '', '', 1, ?5, iif(?3 = 'completed', ?5, NULL), ?5, 'none')`,
    restoreId,
    `durable-object DATABASE_DURABLE_OBJECT ${id}`,
    state,
    JSON.stringify({ restore: { from: from ?? { fileId: "none" } } }),
    nowMs,
  );
  return () => inJobs("DELETE FROM tmp_export_jobs WHERE job_id = ?", restoreId);
}
