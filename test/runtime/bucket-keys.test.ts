import { env } from "cloudflare:workers";
import * as v from "valibot";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { ExportRequestSchema } from "../../src/api/export-request.ts";
import type { JobView } from "../../src/api/job-view.ts";
import { readSettings } from "../../src/config/settings.ts";
import { prepareJob } from "../../src/intake/new-job.ts";
import { CURSOR_START } from "../../src/rpc/cursor.ts";
import type { NewJob } from "../../src/rpc/http-jobs.ts";
import { unwrap } from "../../src/rpc/outcome.ts";
import { api, download, emptyDatabase, ended, query, startExport } from "../support/api.ts";
import { bucket, bucketPrototype, realBucket, restoreBucket } from "../support/faulty-bucket.ts";
import { fillTenants } from "../support/fleets.ts";
import { insertOrphan } from "../support/orphan-job.ts";
import { folderOf, listStoredKeys } from "../support/stored-keys.ts";
import { inJobs } from "../support/writing-job.ts";

const jobs = () => env.EXPORT_JOBS.getByName("jobs");

beforeEach(async () => {
  await emptyDatabase();
  await query("CREATE TABLE t(id INTEGER PRIMARY KEY)", "INSERT INTO t VALUES (1), (2)");
});
afterEach(restoreBucket);

async function exported(body: object = {}): Promise<JobView> {
  const view = await ended((await startExport(body)).jobId);
  expect([view.status, view.error]).toEqual(["completed", null]);
  return view;
}

async function textOf(key: string): Promise<string> {
  const object = await bucket.get(key);
  if (object === null) throw new Error(`${key} is not in the bucket`);
  return object.text();
}

async function remove(jobId: string): Promise<void> {
  expect((await api(`/export/dump/${jobId}`, { method: "DELETE" })).status).toBe(204);
}

describe("the keys of a job's files", () => {
  test("show the source, the day, the time and the start of the id", async () => {
    const view = await exported();
    const folder = folderOf(view, "main", view.jobId.slice(0, 8));
    expect(await listStoredKeys(view.jobId)).toEqual([
      `${folder}dump.sql`,
      `${folder}manifest.json`,
    ]);
    await remove(view.jobId);
    expect(await listStoredKeys(view.jobId)).toEqual([]);
  });

  test.each([
    ["acme", "acme"],
    ["../b/c d", "%2E.%2Fb%2Fc%20d"],
    ["imports/\u{1f993}", "imports%2F%F0%9F%A6%93"],
  ])("show the object %j as %s", async (name, escaped) => {
    await fillTenants([name]);
    const view = await exported({ source: "tenants", name, format: "csv" });
    const folder = folderOf(view, `tenants/${escaped}`, view.jobId.slice(0, 8));
    expect(await listStoredKeys(view.jobId)).toEqual([
      `${folder}manifest.json`,
      `${folder}notes.csv`,
    ]);
  });
});

test("a late attempt of a job's first plan changes no file of the second", async () => {
  const late = { key: "", isReleased: false };
  bucketPrototype.put = async function (this: R2Bucket, key: string, ...rest: unknown[]) {
    if (late.key === "" && key.endsWith("/manifest.json")) {
      late.key = key;
      // A promise of another request cannot be awaited.
      while (!late.isReleased) await scheduler.wait(5);
    }
    return (realBucket.put as (...args: unknown[]) => Promise<R2Object>).call(this, key, ...rest);
  } as R2Bucket["put"];
  const { jobId } = await startExport();
  while (late.key === "") await scheduler.wait(5);
  const reason = { code: "artifact-corrupt", message: "lost" } as const;
  unwrap(await jobs().startOver({ jobId, run: 1 }, { opening: 1, reason }));
  await query("INSERT INTO t VALUES (3)");
  await env.EXPORT_WORKFLOW.create({
    id: crypto.randomUUID(),
    params: { jobId, run: 1, kind: "export" },
  });
  const view = await ended(jobId);
  expect([view.status, view.tables[0]?.rows]).toEqual(["completed", 3]);
  const folder = folderOf(view, "main", `${jobId.slice(0, 8)}-2`);
  const keys = await listStoredKeys(jobId);
  expect(keys).toEqual([`${folder}dump.sql`, `${folder}manifest.json`]);
  const texts = await Promise.all(keys.map(textOf));

  late.isReleased = true;
  expect(late.key).toBe(`${folderOf(view, "main", jobId.slice(0, 8))}manifest.json`);
  await expect.poll(() => listStoredKeys(jobId)).toContain(late.key);
  expect(JSON.parse(await textOf(late.key))).toMatchObject({ tables: [{ rows: 2 }] });
  expect(await Promise.all(keys.map(textOf))).toEqual(texts);
  expect(new TextDecoder().decode(await download(jobId))).toBe(texts[0]);
});

test("a job whose files an earlier version stored is downloaded and deleted", async () => {
  const { jobId } = await exported();
  const dump = await download(jobId);
  const [row] = await inJobs<{ snapshot_id: string }>(
    "UPDATE tmp_export_jobs SET folder = NULL WHERE job_id = ? RETURNING snapshot_id",
    jobId,
  );
  const former = `exports/${jobId}/${row?.snapshot_id}/`;
  for (const key of await listStoredKeys(jobId)) {
    await bucket.put(key.replace(/^.*\//, former), await textOf(key));
    await bucket.delete(key);
  }
  await inJobs(
    "UPDATE tmp_export_job_artifacts SET object_key = ? || name WHERE job_id = ?",
    former,
    jobId,
  );
  expect(await listStoredKeys(jobId)).toEqual([`${former}dump.sql`, `${former}manifest.json`]);
  expect(await download(jobId)).toEqual(dump);
  expect(await (await api(`/export/dump/${jobId}/manifest`)).json()).toMatchObject({ jobId });
  await remove(jobId);
  expect(await listStoredKeys(jobId)).toEqual([]);
});

test("a plan that a run of an earlier version records has the keys that the run expects", async () => {
  const run = { jobId: await insertOrphan("live"), run: 1 };
  unwrap(await jobs().beginRun(run));
  const snapshotId = crypto.randomUUID();
  const objectKey = `exports/${run.jobId}/${snapshotId}/dump.sql`;
  unwrap(await jobs().recordSnapshot(run, { snapshotId, isFrozen: false }));
  const plan = {
    ...run,
    snapshotId,
    snapshotAtMs: 1,
    snapshot: null,
    catalogDigest: "",
    planDigest: "",
    cursor: CURSOR_START,
    firstTable: "t",
    artifacts: [{ name: "dump.sql", contentType: "application/sql", objectKey }],
    tables: ["t"],
    keyRanges: [],
    warnings: [],
    usage: { rowsRead: 0, rowsWritten: 0 },
  };
  unwrap(await jobs().recordPlan(plan));
  expect(unwrap(await jobs().artifact(run, 0))).toMatchObject({ objectKey });
  const rows = await inJobs("SELECT folder FROM tmp_export_jobs WHERE job_id = ?", run.jobId);
  expect(rows).toEqual([{ folder: null }]);
  await jobs().remove(run.jobId);
});

describe("jobs of one second whose ids begin alike", () => {
  /** Starts a job that is created at `nowMs`, and whose id begins with `digits`. */
  async function startAs(digits: string, nowMs: number): Promise<JobView> {
    const request = v.parse(ExportRequestSchema, { copyTo: ["archive"] });
    const origin = "http://localhost:8787";
    const received = { env, idempotencyKey: null, origin, nowMs };
    const job = await prepareJob(readSettings(env), request, received);
    const renamed = JSON.stringify(job).replaceAll(job.jobId.slice(0, 8), digits);
    const { view } = unwrap(await jobs().create(JSON.parse(renamed) as NewJob));
    const done = await ended(view.jobId);
    expect([done.status, done.error]).toEqual(["completed", null]);
    return done;
  }

  test("do not share a folder, in the bucket or at a destination", async () => {
    const nowMs = Date.now();
    const first = await startAs("aaaaaaaa", nowMs);
    const texts = await Promise.all((await listStoredKeys(first.jobId)).map(textOf));
    await query("INSERT INTO t VALUES (3)");
    const second = await startAs("aaaaaaaa", nowMs);
    const [short, whole] = ["aaaaaaaa", second.jobId].map((id) => folderOf(first, "main", id));
    const keys = await listStoredKeys(first.jobId);
    expect(keys).toEqual([`${short}dump.sql`, `${short}manifest.json`]);
    expect(await Promise.all(keys.map(textOf))).toEqual(texts);
    const all = await listStoredKeys(second.jobId);
    expect(all.filter((key) => !keys.includes(key))).toEqual([
      `${whole}dump.sql`,
      `${whole}manifest.json`,
    ]);
    const folders = [first, second].map(({ copies }) => copies[0]?.folder);
    expect(folders).toEqual([short, whole].map((folder) => folder?.replace("exports/", "kept/")));

    await remove(first.jobId);
    expect(await listStoredKeys(second.jobId)).toHaveLength(2);
  });

  test("do not share a folder while files of a deleted one are still being removed", async () => {
    const nowMs = Date.now();
    const first = await startAs("bbbbbbbb", nowMs);
    await remove(first.jobId);
    const second = await startAs("bbbbbbbb", nowMs);
    const folder = folderOf(second, "main", second.jobId);
    expect(await listStoredKeys(second.jobId)).toEqual([
      `${folder}dump.sql`,
      `${folder}manifest.json`,
    ]);
  });
});
