import {
  abortAllDurableObjects,
  evictDurableObject,
  runDurableObjectAlarm,
  runInDurableObject,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { MIB, PART_BYTES_MIN } from "../../src/api/limits.ts";
import type { JobView } from "../../src/api/job-view.ts";
import type { Manifest } from "../../src/api/manifest.ts";
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
import { inJobs, inlineRowsOf } from "../support/writing-job.ts";

const jobs = () => env.EXPORT_JOBS.getByName("jobs");
const INLINE_BYTES_MAX = 32 * MIB;

/** About 14 MB of SQL text: two full parts and a rest. */
const LONG = { rows: 900, rowBytes: 8_000 };

beforeEach(emptyDatabase);
afterEach(async () => {
  const { jobs: all } = await (await api("/export/jobs?limit=100")).json<{ jobs: JobView[] }>();
  for (const { jobId } of all) await remove(jobId);
});

async function remove(jobId: string): Promise<number> {
  const response = await api(`/export/dump/${jobId}`, { method: "DELETE" });
  await response.body?.cancel();
  return response.status;
}

async function view(jobId: string): Promise<JobView> {
  return (await api(`/export/dump/${jobId}`)).json<JobView>();
}

/** The job once it has done more than `steps` steps, or has ended. */
async function nextStepOf(jobId: string, steps: number): Promise<JobView> {
  for (;;) {
    const now = await view(jobId);
    const isActive = now.status === "queued" || now.status === "running";
    if (!isActive || now.usage.steps > steps) return now;
    await scheduler.wait(5);
  }
}

async function runAlarm(): Promise<void> {
  await runInDurableObject(jobs(), (_, { storage }) => storage.setAlarm(Date.now() + 3_600_000));
  await runDurableObjectAlarm(jobs());
}

test("a dump of several parts is downloaded whole, in ranges, and as its manifest says", async () => {
  await fillNoise(LONG);
  const done = await ended((await startExport()).jobId);
  expect(done).toMatchObject({
    status: "completed",
    error: null,
    warnings: [],
    usage: { r2ClassAOperations: 0 },
  });
  const [artifact] = done.artifacts;
  const bytes = await download(done.jobId);
  expect(bytes.byteLength).toBeGreaterThan(2 * PART_BYTES_MIN);
  expect(artifact).toMatchObject({ name: "dump.sql", bytes: bytes.byteLength, parts: 3 });
  expect(artifact?.sha256).toBe(await sha256Of(bytes));
  const path = `/export/dump/${done.jobId}/download`;
  const from = PART_BYTES_MIN - 100;
  const range = await api(path, { headers: { range: `bytes=${from}-${from + 2_000_000}` } });
  expect(range.status).toBe(206);
  expect(range.headers.get("content-range")).toBe(
    `bytes ${from}-${from + 2_000_000}/${bytes.byteLength}`,
  );
  const part = new Uint8Array(await range.arrayBuffer());
  expect(Buffer.compare(part, bytes.subarray(from, from + 2_000_001))).toBe(0);
  const head = await api(path, { method: "HEAD" });
  expect(head.headers.get("content-length")).toBe(String(bytes.byteLength));
  const manifest = await (await api(`/export/dump/${done.jobId}/manifest`)).json<Manifest>();
  expect(manifest.artifacts[0]?.sha256).toBe(artifact?.sha256);
  expect(manifest.artifacts[0]?.parts.map((each) => each.bytes)).toEqual([
    PART_BYTES_MIN,
    PART_BYTES_MIN,
    bytes.byteLength - 2 * PART_BYTES_MIN,
  ]);
});

test("a job of several compressed files keeps each of them", async () => {
  for (const table of ["a", "b", "c"]) {
    await query(
      `CREATE TABLE ${table}(id INTEGER PRIMARY KEY, note TEXT)`,
      `INSERT INTO ${table} VALUES (1, 'of ${table}')`,
    );
  }
  const done = await ended((await startExport({ format: "csv", compression: "gzip" })).jobId);
  expect(done).toMatchObject({ status: "completed", usage: { r2ClassAOperations: 0 } });
  expect(done.artifacts.map(({ name }) => name)).toEqual(["a.csv.gz", "b.csv.gz", "c.csv.gz"]);
  for (const { name, table, sha256 } of done.artifacts) {
    const response = await api(`/export/dump/${done.jobId}/download/${name}`);
    const bytes = new Uint8Array(await response.arrayBuffer());
    expect(await sha256Of(bytes)).toBe(sha256);
    expect(gunzipSync(bytes).toString()).toBe(`"id","note"\r\n1,"of ${table}"\r\n`);
  }
});

test("a dump that is kept in the jobs' database is proved by a restore", async () => {
  await fillNoise(LONG);
  const view = await ended((await startExport({ verify: "restore", compression: "zstd" })).jobId);
  expect(view).toMatchObject({
    status: "completed",
    proof: { state: "proved", rows: LONG.rows },
    usage: { r2ClassAOperations: 0 },
  });
});

test("the list of sources tells where files are kept, and how much room there is", async () => {
  const list = async () => (await api("/export/sources")).json<{ inline: { bytesUsed: number } }>();
  const before = await list();
  expect(before).toMatchObject({ storage: "inline", inline: { bytesMax: INLINE_BYTES_MAX } });
  await fillNoise(LONG);
  await ended((await startExport()).jobId);
  expect((await list()).inline.bytesUsed - before.inline.bytesUsed).toBeGreaterThan(14_000_000);
});

describe("nothing is left in the jobs' database", () => {
  test("of a finished job that is deleted, nor of one that has expired", async () => {
    await fillNoise(LONG);
    const first = await ended((await startExport()).jobId);
    expect(await inlineRowsOf(first.jobId)).toBeGreaterThan(14);
    expect(await remove(first.jobId)).toBe(204);
    expect(await inlineRowsOf(first.jobId)).toBe(0);
    const second = await ended((await startExport()).jobId);
    await inJobs("UPDATE tmp_export_jobs SET expires_at_ms = 1 WHERE job_id = ?", second.jobId);
    await runAlarm();
    expect(await view(second.jobId)).toMatchObject({ status: "expired", artifacts: [] });
    expect((await api(`/export/dump/${second.jobId}/download`)).status).toBe(410);
    expect(await inlineRowsOf(second.jobId)).toBe(0);
  });

  test("of a job that is cancelled while it writes, however late its run notices", async () => {
    await fillNoise(LONG);
    const { jobId } = await startExport();
    while ((await inlineRowsOf(jobId)) === 0) await scheduler.wait(1);
    expect(await remove(jobId)).toBe(200);
    expect(await inlineRowsOf(jobId)).toBe(0);
    const instance = await env.EXPORT_WORKFLOW.get(`${jobId}-1`);
    while (["running", "queued"].includes((await instance.status()).status)) {
      await scheduler.wait(10);
    }
    expect(await inlineRowsOf(jobId)).toBe(0);
  });
});

describe("where there is no room", () => {
  test("a job fails at once with nothing left, and what was kept before stays", async () => {
    await fillNoise(LONG);
    const kept = await ended((await startExport()).jobId);
    await fillNoise({ rows: 2_700, rowBytes: 8_000 });
    const failed = await ended((await startExport()).jobId);
    expect(failed).toMatchObject({ status: "failed", artifacts: [], workflow: { run: 1 } });
    expect(failed.error).toMatchObject({ code: "inline-storage-full" });
    expect(failed.error?.message).toContain(`EXPORT_INLINE_BYTES_MAX allows ${INLINE_BYTES_MAX}`);
    expect(await inlineRowsOf(failed.jobId)).toBe(0);
    expect(await sha256Of(await download(kept.jobId))).toBe(kept.artifacts[0]?.sha256);
  });

  test("a job is refused before it is made, and a repeat of an earlier one is not", async () => {
    const known = await ended((await startExport({}, { "idempotency-key": "k" })).jobId);
    await inJobs(
      `INSERT INTO tmp_export_job_blobs (job_id, kind, upload_id, number, bytes)
       WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 34)
       SELECT 'filler', 'object', '', i, zeroblob(1000000) FROM n`,
    );
    try {
      const refused = await api("/export/dump", { method: "POST" });
      expect(refused.status).toBe(507);
      expect(await refused.json()).toMatchObject({
        code: "inline-storage-full",
        hint: expect.stringContaining("EXPORT_R2_BUCKET"),
      });
      const again = await startExport({}, { "idempotency-key": "k" });
      expect(again.jobId).toBe(known.jobId);
    } finally {
      await inJobs("DELETE FROM tmp_export_job_blobs WHERE job_id = 'filler'");
    }
    expect((await ended((await startExport()).jobId)).status).toBe("completed");
  });
});

describe("an export goes on, byte for byte,", () => {
  test.each([
    ["where the jobs' object is evicted again and again", () => evictDurableObject(jobs())],
    ["where every object dies, the database's too", () => abortAllDurableObjects()],
  ])("%s", async (_, disturb) => {
    await fillNoise(LONG);
    const whole = await ended((await startExport()).jobId);
    const { jobId } = await startExport();
    // Each costs its step a try, and the next one seconds: a few, spread over the export.
    for (let steps = 0; steps < 8; steps += 2) {
      expect((await nextStepOf(jobId, steps)).status).toBe("running");
      await disturb();
    }
    const done = await ended(jobId);
    expect(done).toMatchObject({ status: "completed", error: null });
    expect(done.artifacts[0]?.sha256).toBe(whole.artifacts[0]?.sha256);
    expect(await sha256Of(await download(jobId))).toBe(whole.artifacts[0]?.sha256);
    const left = await inJobs<{ n: number }>(
      `SELECT (SELECT count(*) FROM tmp_export_job_parts WHERE job_id = ?1)
         + (SELECT count(*) FROM tmp_export_job_uploads WHERE job_id = ?1 AND is_complete = 0) AS n`,
      jobId,
    );
    expect(left).toEqual([{ n: 0 }]);
  });
});
