import { env, exports } from "cloudflare:workers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { createApp } from "../../src/app.ts";
import { ExportClient } from "../../src/client/export-client.ts";
import type { SignedManifest } from "../../src/client/client-options.ts";
import type { ExportService } from "../../src/export-service.ts";
import { isSignedBy, readPublicKey } from "../../src/sealing/signature.ts";
import { api, ended, startExport } from "../support/api.ts";
import { copyAt, listArchive, readCopied, runWatchdogOfCopies } from "../support/copies.ts";
import { expectWholeFleet } from "../support/fleet-copies.ts";
import { failSteps } from "../support/faulty-steps.ts";
import { allowOneTurn, backUpFleet, fillTenants, restoreOneTurn } from "../support/fleets.ts";
import { TEST_PUBLIC_KEY, TEST_SIGNING_KEY } from "../support/signing-keys.ts";
import { listStoredKeys } from "../support/stored-keys.ts";
import { inJobs } from "../support/writing-job.ts";

const vars = env as unknown as Record<string, string | undefined>;
const NAMES = ["signed-a", "signed-b"];

beforeAll(async () => {
  allowOneTurn();
  vars["EXPORT_SIGNING_KEY"] = TEST_SIGNING_KEY;
  await fillTenants(NAMES);
});

afterAll(() => {
  restoreOneTurn();
  delete vars["EXPORT_SIGNING_KEY"];
});

async function bytesOf(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const response = await api(path);
  expect(response.status).toBe(200);
  return new Uint8Array(await response.arrayBuffer());
}

async function expectSigned({ manifest, signature }: SignedManifest): Promise<void> {
  const key = await readPublicKey(TEST_PUBLIC_KEY);
  if (key === undefined) throw new Error("there is no key");
  expect(await isSignedBy(key, signature, manifest)).toBe(true);
  expect(JSON.parse(new TextDecoder().decode(manifest))).toMatchObject({ signed: true });
}

async function signedFleet(fleetId: string): Promise<SignedManifest> {
  return {
    manifest: await bytesOf(`/export/fleet/${fleetId}/manifest`),
    signature: await bytesOf(`/export/fleet/${fleetId}/manifest.sig`),
  };
}

async function namesOf(fleetId: string): Promise<(string | undefined)[]> {
  return (await listStoredKeys(fleetId)).map((key) => key.split("/").at(-1));
}

describe("the manifest of a fleet", () => {
  test.each([{}, { copyTo: ["archive"] }])(
    "is signed, also if its step fails after its work: %j",
    async (body) => {
      const faults = failSteps((name) => /^(publish|complete fleet)/.test(name), "after");
      try {
        const { fleetId } = await backUpFleet({ names: NAMES, ...body });
        await expectSigned(await signedFleet(fleetId));
      } finally {
        await faults.restore();
      }
    },
  );

  test("has its signature in each copy", async () => {
    const view = await backUpFleet({ names: NAMES, copyTo: ["archive", "pruned"] });
    const { signature } = await signedFleet(view.fleetId);
    for (const destination of ["archive", "pruned"]) {
      await expectWholeFleet(view, destination);
      const { folder } = copyAt(view, destination);
      expect(await readCopied(destination, `${folder}manifest.json.sig`)).toEqual(signature);
    }
  });
});

describe("the signature of a fleet", () => {
  test("is deleted with the fleet, and with copies that are pruned", async () => {
    const view = await backUpFleet({ names: NAMES, copyTo: ["archive", "pruned"] });
    expect(await namesOf(view.fleetId)).toContain("manifest.json.sig");
    expect((await api(`/export/fleet/${view.fleetId}`, { method: "DELETE" })).status).toBe(204);
    expect(await namesOf(view.fleetId)).toEqual([]);
    await runWatchdogOfCopies();
    expect(await listArchive(copyAt(view, "pruned").folder)).toEqual([]);
    expect(await listArchive(copyAt(view, "archive").folder)).toHaveLength(4);
  });

  test("expires with the fleet", async () => {
    const { fleetId } = await backUpFleet({ names: NAMES });
    await inJobs("UPDATE tmp_export_jobs SET expires_at_ms = 1 WHERE job_id = ?", fleetId);
    await runWatchdogOfCopies();
    expect(await namesOf(fleetId)).toEqual([]);
    expect((await api(`/export/fleet/${fleetId}/manifest.sig`)).status).toBe(410);
  });
});

describe("the client and the service return signed manifests", () => {
  const worker = exports.default as unknown as Fetcher;
  const client = new ExportClient({
    url: "https://export.example.com",
    token: "test-admin-token-0123456789",
    fetch: (...call) => worker.fetch(...call),
  });
  const { ExportService: service } = exports as unknown as {
    ExportService: Service<ExportService>;
  };

  test("of fleets", async () => {
    const { fleetId } = await backUpFleet({ names: NAMES });
    const signed = await signedFleet(fleetId);
    expect(await client.signedFleetManifest(fleetId)).toEqual(signed);
    expect(await service.signedFleetManifest(fleetId)).toEqual(signed);
    const manifest = JSON.parse(new TextDecoder().decode(signed.manifest)) as object;
    expect(await client.fleetManifest(fleetId)).toEqual(manifest);
    expect(await service.fleetManifest(fleetId)).toEqual(manifest);
  });

  test("of exports", async () => {
    const { jobId } = await ended((await startExport()).jobId);
    await expectSigned(await client.signedManifest(jobId));
    expect(await service.signedManifest(jobId)).toEqual(await client.signedManifest(jobId));
  });
});

test("a key that cannot sign refuses a new fleet, and is not shown", async () => {
  const bindings = { ...env, EXPORT_SIGNING_KEY: "planted-secret" };
  const headers = { authorization: "Bearer test-admin-token-0123456789" };
  const body = JSON.stringify({ source: "tenants", names: NAMES });
  const call = { method: "POST", headers, body };
  const response = await createApp().request("https://a.example/export/fleet", call, bindings);
  expect(response.status).toBe(503);
  const text = await response.text();
  expect(text).toContain("EXPORT_SIGNING_KEY is not an Ed25519 private key");
  expect(text).not.toContain("planted-secret");
});
