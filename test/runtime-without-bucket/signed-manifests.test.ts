import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { configure, Uint8ArrayReader, ZipReader } from "@zip.js/zip.js";
import { beforeEach, expect, test } from "vitest";

import type { JobView } from "../../src/api/job-view.ts";
import { createApp } from "../../src/app.ts";
import { isSignedBy, readPublicKey } from "../../src/sealing/signature.ts";
import { api, emptyDatabase, ended, query, startExport } from "../support/api.ts";
import { failSteps } from "../support/faulty-steps.ts";
import { TEST_PUBLIC_KEY } from "../support/signing-keys.ts";
import { inlineRowsOf } from "../support/writing-job.ts";

configure({ useWebWorkers: false });

const { ARCHIVE_BUCKET: archive } = env as unknown as { ARCHIVE_BUCKET: R2Bucket };

beforeEach(async () => {
  await emptyDatabase();
  await query("CREATE TABLE a(x)");
});

async function bytesOf(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const response = await api(path);
  expect(response.status).toBe(200);
  return new Uint8Array(await response.arrayBuffer());
}

async function expectSigned({ jobId }: JobView): Promise<void> {
  const manifest = await bytesOf(`/export/dump/${jobId}/manifest`);
  const signature = await bytesOf(`/export/dump/${jobId}/manifest.sig`);
  const key = await readPublicKey(TEST_PUBLIC_KEY);
  if (key === undefined) throw new Error("there is no key");
  expect(await isSignedBy(key, signature, manifest)).toBe(true);
  expect(JSON.parse(new TextDecoder().decode(manifest))).toMatchObject({ signed: true });
}

test("a manifest is signed, also if its step fails after its work", async () => {
  await expectSigned(await ended((await startExport()).jobId));
  for (const body of [{}, { copyTo: ["archive"] }]) {
    const faults = failSteps((name) => /^(publish|complete job)/.test(name), "after");
    try {
      await expectSigned(await ended((await startExport(body)).jobId));
    } finally {
      await faults.restore();
    }
  }
});

test("a copy contains the signature before the manifest", async () => {
  const view = await ended((await startExport({ copyTo: ["archive"] })).jobId);
  const folder = view.copies[0]?.folder ?? "";
  for (const name of ["manifest", "manifest.sig"]) {
    const copied = await archive.get(`${folder}${name.replace("manifest", "manifest.json")}`);
    const bytes = new Uint8Array((await copied?.arrayBuffer()) ?? []);
    expect(bytes).toEqual(await bytesOf(`/export/dump/${view.jobId}/${name}`));
  }
});

test("a ZIP of several files contains the signature after the manifest", async () => {
  await query("CREATE TABLE b(x)");
  const { jobId } = await ended((await startExport({ format: "csv" })).jobId);
  const reader = new ZipReader(
    new Uint8ArrayReader(await bytesOf(`/export/dump/${jobId}/download`)),
    {
      strictness: "strict",
      checkSignature: true,
    },
  );
  const entries = await reader.getEntries();
  expect(entries.map(({ filename }) => filename)).toEqual([
    "manifest.json",
    "manifest.json.sig",
    "a.csv",
    "b.csv",
  ]);
  for (const [at, path] of ["manifest", "manifest.sig"].entries()) {
    const entry = entries[at];
    if (entry === undefined || entry.directory) throw new Error("there is no such file");
    expect(new Uint8Array(await entry.arrayBuffer())).toEqual(
      await bytesOf(`/export/dump/${jobId}/${path}`),
    );
  }
});

test("a signature is removed with its job", async () => {
  const { jobId } = await ended((await startExport()).jobId);
  expect(await inlineRowsOf(jobId)).toBeGreaterThan(0);
  await api(`/export/dump/${jobId}`, { method: "DELETE" });
  const jobs = env.EXPORT_JOBS.getByName("jobs");
  await runInDurableObject(jobs, (_, { storage }) => storage.setAlarm(Date.now() + 3_600_000));
  await runDurableObjectAlarm(jobs);
  expect(await inlineRowsOf(jobId)).toBe(0);
});

test("a key that cannot sign refuses a new export, is reported, and is not shown", async () => {
  const bindings = { ...env, EXPORT_SIGNING_KEY: "planted-secret" };
  const headers = { authorization: "Bearer test-admin-token-0123456789" };
  const app = createApp();
  const list = await app.request("https://a.example/export/sources", { headers }, bindings);
  const sources = await list.text();
  expect(sources).not.toContain("planted-secret");
  expect(JSON.parse(sources)).toMatchObject({
    keys: { recipients: 1, signs: true, problem: expect.stringContaining("keygen") },
  });
  const call = { method: "POST", headers };
  const response = await app.request("https://a.example/export/dump", call, bindings);
  expect(response.status).toBe(503);
  const text = await response.text();
  expect(text).toContain("EXPORT_SIGNING_KEY is not an Ed25519 private key");
  expect(text).not.toContain("planted-secret");
});
