import { env } from "cloudflare:workers";
import { expect } from "vitest";

import type { RestoreView } from "../../src/api/restore-view.ts";
import { durableObjectSource } from "../../src/databases/durable-object/durable-object-source.ts";
import type { Source } from "../../src/databases/source.ts";
import { api } from "./api.ts";

/** Opens an object that restores may write into: source `copies`, by its name. */
export function openCopy(name: string): Source {
  const { DATABASE_DURABLE_OBJECT: namespace } = env as unknown as {
    DATABASE_DURABLE_OBJECT: DurableObjectNamespace;
  };
  return durableObjectSource(() => namespace.getByName(name) as never);
}

/** Asks for a restore. */
export function requestRestore(body: object, headers: HeadersInit = {}): Promise<Response> {
  return api("/import/dump", { method: "POST", headers, body: JSON.stringify(body) });
}

/** Starts a restore; the answer must be 202. */
export async function startRestore(body: object): Promise<RestoreView> {
  const response = await requestRestore(body);
  const view = await response.json<RestoreView>();
  expect(response.status, JSON.stringify(view)).toBe(202);
  return view;
}

/** Returns a restore's view now. */
export async function viewRestore(jobId: string): Promise<RestoreView> {
  return (await api(`/import/dump/${jobId}`)).json<RestoreView>();
}

/** Waits until a restore has ended, and returns its view. */
export async function restored(jobId: string): Promise<RestoreView> {
  const isActive = async (): Promise<boolean> =>
    ["queued", "running"].includes((await viewRestore(jobId)).status);
  await expect.poll(isActive, { timeout: 60_000 }).toBe(false);
  return viewRestore(jobId);
}

/** Starts a restore and waits until it has ended. */
export async function restore(body: object): Promise<RestoreView> {
  return restored((await startRestore(body)).jobId);
}

/** Returns the names in a copy's schema, without those of the platform. */
export async function listNames(name: string): Promise<string[]> {
  const { rows } = await openCopy(name).query({
    sql: "SELECT name FROM sqlite_master WHERE substr(name, 1, 1) <> '_' AND name NOT LIKE 'sqlite%' ORDER BY name",
  });
  return rows.map(([each]) => String(each));
}
