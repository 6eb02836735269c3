import { env, runInDurableObject } from "cloudflare:test";
import { configure, Uint8ArrayReader, ZipReader } from "@zip.js/zip.js";
import { beforeAll, describe, expect, test } from "vitest";

import { unwrap } from "../../src/rpc/outcome.ts";
import type { JobView } from "../../src/api/job-view.ts";
import type { Manifest } from "../../src/api/manifest.ts";
import { makeArchive } from "../../src/routes/files/archive.ts";
import type { ArtifactStore } from "../../src/storage/artifact-store.ts";
import { openArtifactStore } from "../../src/storage/open-artifact-store.ts";
import { api, emptyDatabase, ended, query, sha256Of, startExport } from "../support/api.ts";
import { listStoredKeys } from "../support/stored-keys.ts";

configure({ useWebWorkers: false });

/** The job's files by name, read from the ZIP by a library that checks their CRC-32s. */
async function unzip(bytes: Uint8Array): Promise<Map<string, Uint8Array>> {
  const reader = new ZipReader(new Uint8ArrayReader(bytes), {
    strictness: "strict",
    checkSignature: true,
  });
  const files = new Map<string, Uint8Array>();
  for (const entry of await reader.getEntries()) {
    if (entry.directory) throw new Error(`${entry.filename} is no file`);
    files.set(entry.filename, new Uint8Array(await entry.arrayBuffer()));
  }
  await reader.close();
  return files;
}

async function bytesOf(response: Promise<Response>): Promise<Uint8Array> {
  return new Uint8Array(await (await response).arrayBuffer());
}

/** Megabytes are compared by their hash: a difference of theirs would be printed for minutes. */
async function expectBytes(response: Promise<Response>, expected: Uint8Array): Promise<void> {
  expect(await sha256Of(await bytesOf(response))).toBe(await sha256Of(expected));
}

async function exported(body: object): Promise<JobView> {
  const view = await ended((await startExport(body)).jobId);
  expect(view.status).toBe("completed");
  return view;
}

const urlOf = ({ jobId }: JobView): string => `/export/dump/${jobId}/download`;

async function keyOf(name: string, { jobId }: JobView): Promise<string> {
  const found = (await listStoredKeys(jobId)).find((key) => key.endsWith(`/${name}`));
  if (found === undefined) throw new Error(`${name} is not in the bucket`);
  return found;
}

let job: JobView;
let whole: Uint8Array;

beforeAll(async () => {
  await emptyDatabase();
  await query(
    "CREATE TABLE small(a)",
    "INSERT INTO small VALUES (1), ('two')",
    'CREATE TABLE "order/lines é"(a)',
    "CREATE TABLE noise(id INTEGER PRIMARY KEY, b BLOB)",
    `INSERT INTO noise WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
     SELECT i, randomblob(10000) FROM n`,
    "CREATE TABLE empty(a)",
  );
  job = await exported({ format: "ndjson" });
  whole = await bytesOf(api(urlOf(job)));
});

describe("the download of several artifacts", () => {
  test("is a ZIP of them and of the manifest, each byte as it is by itself", async () => {
    const files = await unzip(whole);
    expect([...files.keys()]).toEqual([
      "manifest.json",
      ...job.artifacts.map((artifact) => artifact.name),
    ]);
    expect(job.artifacts).toHaveLength(4);
    for (const artifact of job.artifacts) {
      const bytes = files.get(artifact.name) ?? new Uint8Array();
      expect(bytes.byteLength).toBe(artifact.bytes);
      expect(await sha256Of(bytes)).toBe(artifact.sha256);
    }
    expect(job.artifacts.some(({ bytes }) => bytes === 0)).toBe(true);
    expect(files.get("manifest.json")).toEqual(
      await bytesOf(api(`/export/dump/${job.jobId}/manifest`)),
    );
  });

  test("tells its name, length and tag, and gives the same bytes each time", async () => {
    const response = await api(urlOf(job));
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "application/zip",
      "content-length": String(whole.byteLength),
      "accept-ranges": "bytes",
      "content-disposition": expect.stringMatching(/filename="main-\d{8}T\d{6}Z-ndjson\.zip"/),
      etag: expect.stringMatching(/^"[0-9a-f]{64}"$/),
    });
    expect(response.headers.has("repr-digest")).toBe(false);
    await expectBytes(Promise.resolve(response), whole);
    const head = await api(urlOf(job), { method: "HEAD" });
    expect(head.status).toBe(200);
    expect(head.headers.get("content-length")).toBe(String(whole.byteLength));
    const etag = head.headers.get("etag") ?? "";
    const known = await api(urlOf(job), { headers: { "if-none-match": etag } });
    expect(known.status).toBe(304);
  });

  test("has another tag in another job of the same rows", async () => {
    const tagOf = async (view: JobView) =>
      (await api(urlOf(view), { method: "HEAD" })).headers.get("etag");
    expect(await tagOf(await exported({ format: "ndjson" }))).not.toBe(await tagOf(job));
  });

  test("goes on at any place, within a header, a file, the directory", async () => {
    const size = whole.byteLength;
    const etag = (await api(urlOf(job), { method: "HEAD" })).headers.get("etag") ?? "";
    for (const offset of [0, 1, 35, 5_000, 1_000_000, size - 400, size - 22, size - 1]) {
      const headers = { range: `bytes=${offset}-`, "if-range": etag };
      const response = await api(urlOf(job), { headers });
      expect(response.status).toBe(206);
      expect(response.headers.get("content-range")).toBe(`bytes ${offset}-${size - 1}/${size}`);
      await expectBytes(Promise.resolve(response), whole.subarray(offset));
    }
    const middle = api(urlOf(job), { headers: { range: "bytes=200-1500000" } });
    await expectBytes(middle, whole.subarray(200, 1_500_001));
    const behind = await api(urlOf(job), { headers: { range: `bytes=${size}-` } });
    expect(behind.status).toBe(416);
    await behind.body?.cancel();
    const other = await api(urlOf(job), { headers: { range: "bytes=9-", "if-range": '"other"' } });
    expect(other.status).toBe(200);
    await other.body?.cancel();
  });

  test("has its CRC-32s from the read-back, which a job of one file does not pay for", async () => {
    const sql = await exported({ format: "sql", tables: { include: ["small"] } });
    const stub = env.EXPORT_JOBS.getByName("jobs");
    const known = await runInDurableObject(stub, (_, { storage }) =>
      storage.sql
        .exec<{ job_id: string; crc32: number | null }>(
          "SELECT job_id, crc32 FROM tmp_export_job_artifacts WHERE job_id IN (?, ?)",
          job.jobId,
          sql.jobId,
        )
        .toArray(),
    );
    expect(known).toHaveLength(5);
    for (const { job_id, crc32 } of known) expect(crc32 === null).toBe(job_id === sql.jobId);
  });

  test("opens one object at a time, and closes it where the client leaves", async () => {
    const r2 = openArtifactStore(env);
    const opened: string[] = [];
    const closed = Promise.withResolvers<void>();
    const store: ArtifactStore = {
      ...r2,
      read: async (key) => {
        opened.push(key);
        return new ReadableStream({
          type: "bytes",
          pull: (controller) => controller.enqueue(new Uint8Array(10_000)),
          cancel: () => closed.resolve(),
        });
      },
    };
    const info = unwrap(await env.EXPORT_JOBS.getByName("jobs").download(job.jobId));
    const body = await makeArchive(info, store, { manifest: new Uint8Array(10) }).open();
    const reader = body.getReader();
    for (let bytes = 0; bytes < 100_000;) bytes += (await reader.read()).value?.byteLength ?? 0;
    await reader.cancel("gone");
    await closed.promise;
    expect(opened).toHaveLength(1);
  });

  test("is refused in plain words where an earlier version kept no CRC-32", async () => {
    const early = await exported({ format: "csv" });
    const stub = env.EXPORT_JOBS.getByName("jobs");
    await runInDurableObject(stub, (_, { storage }) => {
      const forget = "UPDATE tmp_export_job_artifacts SET crc32 = NULL WHERE job_id = ?";
      storage.sql.exec(forget, early.jobId);
    });
    const answer = await api(urlOf(early));
    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({
      code: "artifact-not-found",
      detail: expect.stringContaining("by its name"),
    });
  });

  test("of compressed files opens too, and of a job without tables holds the manifest alone", async () => {
    const gzip = await exported({ format: "csv", compression: "gzip" });
    const files = await unzip(await bytesOf(api(urlOf(gzip))));
    expect([...files.keys()]).toContain("small.csv.gz");
    await query('DROP TABLE small; DROP TABLE "order/lines é"; DROP TABLE noise; DROP TABLE empty');
    const none = await exported({ format: "csv" });
    expect(none.artifacts).toEqual([]);
    const alone = await unzip(await bytesOf(api(urlOf(none))));
    expect([...alone.keys()]).toEqual(["manifest.json"]);
    const manifest = new TextDecoder().decode(alone.get("manifest.json"));
    expect((JSON.parse(manifest) as Manifest).artifacts).toEqual([]);
  });
});

describe("a ZIP that cannot be sent", () => {
  test("is refused where its first file is gone, and breaks where a later one is", async () => {
    await env.EXPORT_R2_BUCKET.delete(await keyOf("empty.ndjson", job));
    await expectBytes(api(urlOf(job)), whole);
    const [first, , third] = job.artifacts;
    await env.EXPORT_R2_BUCKET.delete(await keyOf(third?.name ?? "", job));
    const broken = await api(urlOf(job));
    expect(broken.status).toBe(200);
    await expect(broken.arrayBuffer()).rejects.toThrow();
    await env.EXPORT_R2_BUCKET.delete(await keyOf(first?.name ?? "", job));
    for (const method of ["GET", "HEAD"]) {
      const refused = await api(urlOf(job), { method });
      expect(refused.status).toBe(404);
      await refused.body?.cancel();
    }
    await env.EXPORT_R2_BUCKET.delete(await keyOf("manifest.json", job));
    const answer = await api(urlOf(job));
    expect(await answer.json()).toMatchObject({ code: "artifact-missing" });
  });
});
