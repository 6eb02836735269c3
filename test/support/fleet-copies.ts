import { Buffer } from "node:buffer";
import { env } from "cloudflare:workers";
import { expect } from "vitest";

import type { FleetManifest } from "../../src/api/fleet-manifest.ts";
import type { FleetView } from "../../src/api/fleet-view.ts";
import { api } from "./api.ts";
import { copyAt, readCopied } from "./copies.ts";

/** Returns a fleet's manifest. */
export async function manifestOfFleet(fleetId: string): Promise<FleetManifest> {
  return (await api(`/export/fleet/${fleetId}/manifest`)).json<FleetManifest>();
}

/** Compares a copy of a fleet with the files in the deployment's own store. */
export async function expectWholeFleet(
  { fleetId, copies }: FleetView,
  destination: string,
): Promise<void> {
  const { state, folder } = copyAt({ copies }, destination);
  expect(state).toBe("copied");
  const manifest = await api(`/export/fleet/${fleetId}/manifest`);
  const text = await manifest.text();
  const copied = await readCopied(destination, `${folder}manifest.json`);
  expect(Buffer.from(copied ?? []).toString()).toBe(text);
  const { packs } = JSON.parse(text) as FleetManifest;
  expect(packs.length).toBeGreaterThan(0);
  for (const { key } of packs.flatMap((pack) => [pack, pack.index])) {
    const own = await (await env.EXPORT_R2_BUCKET.get(key))?.bytes();
    const there = await readCopied(destination, `${folder}${key.split("/").at(-1)}`);
    expect([key, Buffer.from(there ?? []).equals(own ?? Buffer.of())]).toEqual([key, true]);
  }
}
