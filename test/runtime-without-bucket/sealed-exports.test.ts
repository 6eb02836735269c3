import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { configure, Uint8ArrayReader, ZipReader } from "@zip.js/zip.js";
import { env } from "cloudflare:workers";
import { beforeEach, expect, test } from "vitest";

import type { JobView } from "../../src/api/job-view.ts";
import type { Manifest } from "../../src/api/manifest.ts";
import { startScheduledExports } from "../../src/intake/scheduled.ts";
import { unwrap } from "../../src/rpc/outcome.ts";
import { isSealed, openSealed } from "../../src/sealing/open-sealed.ts";
import { openArtifactStore } from "../../src/storage/open-artifact-store.ts";
import { TEST_IDENTITY } from "../support/age-keys.ts";
import {
  api,
  download,
  emptyDatabase,
  ended,
  fillNoise,
  query,
  sha256Of,
  startExport,
} from "../support/api.ts";
import { beforeSteps, type Fault, failSteps } from "../support/faulty-steps.ts";
import { inlineRowsOf } from "../support/writing-job.ts";

configure({ useWebWorkers: false });

const { ARCHIVE_BUCKET: archive } = env as unknown as { ARCHIVE_BUCKET: R2Bucket };
const jobs = env.EXPORT_JOBS.getByName("jobs");
const ALL = { encrypt: "all" };

beforeEach(() => emptyDatabase());

async function exported(body: object): Promise<JobView> {
  const view = await ended((await startExport(body)).jobId);
  expect(view).toMatchObject({ status: "completed", error: null });
  return view;
}

async function open(sealed: Uint8Array): Promise<Uint8Array> {
  expect(isSealed(sealed)).toBe(true);
  const plain = await openSealed(new Blob([new Uint8Array(sealed)]).stream(), [TEST_IDENTITY]);
  return new Uint8Array(await new Response(plain).arrayBuffer());
}

async function manifestOf({ jobId }: JobView): Promise<Manifest> {
  return (await api(`/export/dump/${jobId}/manifest`)).json<Manifest>();
}

/** Requires that the job's only file is sealed, and opens to what a plain export of the database is. */
async function expectSealed(view: JobView): Promise<void> {
  const sealed = await download(view.jobId);
  const plain = await open(sealed);
  const other = await exported({});
  expect(Buffer.compare(plain, await download(other.jobId))).toBe(0);
  const name = "dump.sql.age";
  const file = { name, bytes: sealed.byteLength, sha256: await sha256Of(sealed) };
  expect(view.artifacts).toMatchObject([{ ...file, sealed: true }]);
  expect((await manifestOf(view)).artifacts).toMatchObject([
    {
      name: "dump.sql",
      contentType: "application/sql",
      bytes: plain.byteLength,
      sha256: await sha256Of(plain),
      sealed: file,
    },
  ]);
  const response = await api(`/export/dump/${view.jobId}/download/${name}`);
  expect(response.headers.get("content-type")).toBe("application/octet-stream");
  await response.body?.cancel();
  await api(`/export/dump/${other.jobId}`, { method: "DELETE" });
}

/** The bytes of a job in the jobs database, and its rows about sealing. */
async function storedOf(jobId: string): Promise<{ text: string; sealing: unknown }> {
  return runInDurableObject(jobs, (_, { storage }) => {
    const blobs = storage.sql
      .exec<{ bytes: ArrayBuffer }>(
        "SELECT bytes FROM tmp_export_job_blobs WHERE job_id = ?",
        jobId,
      )
      .toArray();
    const sealing = storage.sql
      .exec("SELECT sealing_json FROM tmp_export_job_artifacts WHERE job_id = ?", jobId)
      .toArray();
    return {
      text: blobs.map(({ bytes }) => new TextDecoder("latin1").decode(bytes)).join(""),
      sealing,
    };
  });
}

test("replaces the file in the store by a sealed one, and leaves nothing plain", async () => {
  await query("CREATE TABLE secrets(x)", "INSERT INTO secrets VALUES ('planted-secret')");
  const view = await exported(ALL);
  const { text, sealing } = await storedOf(view.jobId);
  expect(text).toContain("age-encryption.org");
  expect(text).not.toContain("planted-secret");
  expect(sealing).toEqual([{ sealing_json: null }]);
  await expectSealed(view);
});

test("a schedule seals the files of an entry that says so", async () => {
  await query("CREATE TABLE a(x)", "INSERT INTO a VALUES (1)");
  const scheduled = { ...env, EXPORT_SCHEDULE: [ALL] } as unknown as typeof env;
  await startScheduledExports(scheduled, { cron: "0 3 * * *", scheduledTime: Date.now() });
  const { jobs: list } = await (await api("/export/jobs?limit=1")).json<{ jobs: JobView[] }>();
  const view = await ended(list[0]?.jobId ?? "");
  expect(view).toMatchObject({ status: "completed", error: null });
  await expectSealed(view);
});

test.each([
  ["before", "seal artifacts"],
  ["after", "seal artifacts"],
  ["timeout", "seal artifacts"],
  ["beside", "seal artifacts 1"],
  ["beside", "seal artifacts 2"],
  ["beside", "seal artifacts 3"],
] satisfies [Fault, string][])(
  "seals a file of several parts, also if a step fails: %s %s",
  async (fault, step) => {
    // Three of these files do not fit the jobs database.
    await fillNoise({ rows: 720, rowBytes: 8_000 });
    const faults = failSteps((name) => name.startsWith(step), fault);
    let view: JobView;
    try {
      view = await exported(ALL);
    } finally {
      await faults.restore();
    }
    expect(faults.tries.filter((name) => name.startsWith(step)).length).toBeGreaterThan(1);
    expect(view.artifacts[0]?.parts).toBeGreaterThan(1);
    await expectSealed(view);
    await api(`/export/dump/${view.jobId}`, { method: "DELETE" });
    expect(await inlineRowsOf(view.jobId)).toBe(0);
  },
);

test("proves a dump by a restore before it is sealed", async () => {
  await query("CREATE TABLE a(x)", "INSERT INTO a VALUES (1), ('two')");
  const view = await exported({ ...ALL, verify: "restore" });
  expect(view.proof.state).toBe("proved");
  expect(view.artifacts).toMatchObject([{ name: "dump.sql.age" }]);
});

test("copies the sealed file as it is stored", async () => {
  await query("CREATE TABLE a(x)");
  const view = await exported({ ...ALL, copyTo: ["archive"] });
  expect(view.copies).toMatchObject([{ state: "copied", sealed: true }]);
  const folder = view.copies[0]?.folder ?? "";
  const copied = await archive.get(`${folder}dump.sql.age`);
  const bytes = new Uint8Array((await copied?.arrayBuffer()) ?? []);
  expect(Buffer.compare(bytes, await download(view.jobId))).toBe(0);
});

test("sends a ZIP of sealed files, each of which opens", async () => {
  await query("CREATE TABLE a(x)", "INSERT INTO a VALUES (1)", "CREATE TABLE b(x)");
  const view = await exported({ ...ALL, format: "csv", compression: "gzip" });
  const reader = new ZipReader(new Uint8ArrayReader(await download(view.jobId)), {
    strictness: "strict",
    checkSignature: true,
  });
  const names: string[] = [];
  for (const entry of await reader.getEntries()) {
    names.push(entry.filename);
    if (entry.directory || !entry.filename.endsWith(".age")) continue;
    const plain = await open(new Uint8Array(await entry.arrayBuffer()));
    const { artifacts } = await manifestOf(view);
    const listed = artifacts.find(({ sealed }) => sealed?.name === entry.filename);
    expect(await sha256Of(plain)).toBe(listed?.sha256);
  }
  expect(names).toEqual(["manifest.json", "manifest.json.sig", "a.csv.gz.age", "b.csv.gz.age"]);
});

/** Cancels the job before a step, and requires that none of its bytes are left. */
async function expectNothingAfterCancel(
  step: string,
  prepare: (jobId: string) => Promise<unknown> = () => Promise.resolve(),
): Promise<void> {
  let jobId = "";
  const restore = beforeSteps(
    (name) => name.startsWith(step),
    async () => {
      await expect.poll(() => jobId).not.toBe("");
      await prepare(jobId);
      await api(`/export/dump/${jobId}`, { method: "DELETE" });
    },
  );
  try {
    ({ jobId } = await startExport(ALL));
    expect((await ended(jobId)).status).toBe("cancelled");
  } finally {
    restore();
  }
  await runInDurableObject(jobs, (_, { storage }) => storage.setAlarm(Date.now() + 3_600_000));
  await runDurableObjectAlarm(jobs);
  expect(await inlineRowsOf(jobId)).toBe(0);
}

test("a sealed export that is cancelled leaves nothing", async () => {
  await query("CREATE TABLE a(x)");
  await expectNothingAfterCancel("publish manifest");
});

test("an export that is cancelled while it is sealed leaves no upload", async () => {
  await query("CREATE TABLE a(x)");
  await expectNothingAfterCancel("seal artifacts", async (jobId) => {
    // The run may only use stubs that it has opened itself.
    const store = openArtifactStore(env);
    const jobs = env.EXPORT_JOBS.getByName("jobs");
    const run = { jobId, run: 1 };
    const work = unwrap(await jobs.sealWork(run));
    const key = (work?.artifact.objectKey ?? "").replace(/[^/]+$/, "sealed-x/dump.sql.age");
    const uploadId = await store.createUpload(key, { contentType: "text/plain" });
    const seal = { header: "", streamKey: "" };
    const sealing = { key, uploadId, partBytes: 8, seal, parts: [], restarts: 0 };
    const begun = { ordinal: 0, replaces: null, sealing };
    expect(unwrap(await jobs.beginSealing(run, begun))).toEqual({ kept: true });
    expect(unwrap(await jobs.beginSealing(run, begun))).toEqual({ kept: false });
    await store.putPart({ key, uploadId }, 1, new Uint8Array(8));
  });
});
