import { env } from "cloudflare:workers";
import { afterAll, beforeAll, expect, test } from "vitest";

import type { FleetManifest } from "../../src/api/fleet-manifest.ts";
import { allowOneTurn, backUpFleet, fillTenants, restoreOneTurn } from "../support/fleets.ts";
import { folderOf, listStoredKeys } from "../support/stored-keys.ts";

beforeAll(() => allowOneTurn());
afterAll(restoreOneTurn);

test("the keys of a fleet's files are in one folder of its source", async () => {
  await fillTenants(["acme"]);
  const fleet = await backUpFleet({ names: ["acme"] });
  expect(fleet.status).toBe("completed");
  const folder = folderOf(fleet, "tenants", fleet.fleetId.slice(0, 8));
  const keys = await listStoredKeys(fleet.fleetId);
  expect(keys.length).toBeGreaterThan(2);
  expect(keys.filter((key) => !key.startsWith(folder))).toEqual([]);
  const stored = await env.EXPORT_R2_BUCKET.get(`${folder}manifest.json`);
  const manifest = await stored?.json<FleetManifest>();
  expect(keys).toContain(manifest?.packs[0]?.key);
});
