import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, test } from "vitest";

import type { JobView } from "../../src/api/job-view.ts";
import { createApp } from "../../src/app.ts";
import { openSealed } from "../../src/sealing/open-sealed.ts";
import { ExportWorkflow } from "../../src/workflows/export/export-workflow.ts";
import { TEST_IDENTITY, TEST_RECIPIENT } from "../support/age-keys.ts";
import { api, download, emptyDatabase, ended, fillNoise, query } from "../support/api.ts";
import { bucketPrototype, realBucket, restoreBucket } from "../support/faulty-bucket.ts";
import { listStoredKeys } from "../support/stored-keys.ts";

const jobs = env.EXPORT_JOBS.getByName("jobs");
const { prototype } = ExportWorkflow;
const realRun = Object.getOwnPropertyDescriptor(prototype, "run") as PropertyDescriptor;

/** What the Worker is deployed with. Other tests of this project have no recipients. */
const deployed = { ...env, EXPORT_AGE_RECIPIENTS: TEST_RECIPIENT };

beforeEach(async () => {
  await emptyDatabase();
  const run = realRun.value as ExportWorkflow["run"];
  prototype.run = function (this: ExportWorkflow, ...args) {
    Object.defineProperty(this, "env", { value: deployed });
    return run.apply(this, args);
  };
});
afterEach(() => {
  Object.defineProperty(prototype, "run", realRun);
  restoreBucket();
});

async function start(body: object): Promise<JobView> {
  const headers = { authorization: "Bearer test-admin-token-0123456789" };
  const call = { method: "POST", headers, body: JSON.stringify({ encrypt: "all", ...body }) };
  const response = await createApp().request("https://a.example/export/dump", call, deployed);
  expect(response.status).toBe(202);
  return response.json<JobView>();
}

async function listFiles(jobId: string): Promise<string[]> {
  const keys = await listStoredKeys(jobId);
  return keys.map((key) => key.split("/").at(-1) ?? "").sort();
}

async function runWatchdog(): Promise<void> {
  await runInDurableObject(jobs, async (_, { storage }) => {
    storage.sql.exec("UPDATE tmp_export_job_discards SET discarded_at_ms = 1");
    await storage.setAlarm(Date.now() + 3_600_000);
  });
  await runDurableObjectAlarm(jobs);
}

test.each([
  ["a small", { rows: 1, rowBytes: 10 }],
  ["a large", { rows: 560, rowBytes: 8_000 }],
])("the bucket contains %s file only in its sealed form", async (_, noise) => {
  await fillNoise(noise);
  const view = await ended((await start({})).jobId);
  expect(view).toMatchObject({ status: "completed", artifacts: [{ name: "dump.sql.age" }] });
  expect(await listFiles(view.jobId)).toEqual(["dump.sql.age", "manifest.json"]);
  const sealed = await download(view.jobId);
  const plain = await openSealed(new Blob([new Uint8Array(sealed)]).stream(), [TEST_IDENTITY]);
  expect(await new Response(plain).text()).toMatch(/^PRAGMA|^--/);
  await runWatchdog();
  expect(Buffer.compare(await download(view.jobId), sealed)).toBe(0);
  await api(`/export/dump/${view.jobId}`, { method: "DELETE" });
  expect(await listFiles(view.jobId)).toEqual([]);
});

test("a restore of a sealed dump is refused, with the way to do it", async () => {
  await query("CREATE TABLE a(x)");
  const { jobId } = await ended((await start({})).jobId);
  const response = await api("/import/dump", {
    method: "POST",
    body: JSON.stringify({ from: { jobId }, target: "copies", name: "sealed" }),
  });
  expect(response.status).toBe(409);
  expect(await response.json()).toMatchObject({
    code: "dump-sealed",
    hint: expect.stringContaining("--identity"),
  });
});

test("a sealed file that was stored otherwise than it was sent fails the export", async () => {
  await query("CREATE TABLE a(x)");
  bucketPrototype.put = async function (this: R2Bucket, key: string, value: Uint8Array) {
    const last = key.endsWith(".age") ? value.byteLength - 1 : -1;
    const sent = value.map((byte, at) => (at === last ? byte ^ 1 : byte));
    return realBucket.put.call(this, key, sent);
  } as R2Bucket["put"];
  const view = await ended((await start({})).jobId);
  expect(view).toMatchObject({ status: "failed", error: { code: "artifact-corrupt" } });
  restoreBucket();
  await runWatchdog();
  expect(await listFiles(view.jobId)).toEqual([]);
});
