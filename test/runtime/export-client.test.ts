import { exports } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";

import { ExportApiError } from "../../src/client/export-api-error.ts";
import { ExportClient } from "../../src/client/export-client.ts";
import { emptyDatabase, query } from "../support/api.ts";

const worker = exports.default as unknown as Fetcher;
const client = new ExportClient({
  url: "https://export.example.com",
  token: "test-admin-token-0123456789",
  fetch: (...call) => worker.fetch(...call),
});

beforeEach(async () => {
  await emptyDatabase();
  await query("CREATE TABLE a(id INTEGER PRIMARY KEY, x)", "INSERT INTO a VALUES (1, 'one')");
});

describe("the client", () => {
  test("takes an export from its start to its deletion", async () => {
    const started = await client.start({ compression: "none" });
    const seen: string[] = [];
    const job = await client.wait(started.jobId, { onProgress: ({ status }) => seen.push(status) });
    expect(job).toMatchObject({ jobId: started.jobId, status: "completed" });
    expect(seen.at(-1)).toBe("completed");
    expect(await client.get(job.jobId)).toEqual(job);
    expect((await client.list({ limit: 1 })).jobs).toEqual([job]);
    expect(await (await client.download(job.jobId)).text()).toContain("(1,'one')");
    expect(await client.manifest(job.jobId)).toMatchObject({ tables: [{ name: "a", rows: 1 }] });
    // An ended job is not deleted by a cancel.
    expect(await client.cancel(job.jobId)).toEqual(job);
    expect(await client.delete(job.jobId)).toBeNull();
    const error = await client.get(job.jobId).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ExportApiError);
    expect(error).toMatchObject({ status: 404, code: "job-not-found", jobId: job.jobId });
  });

  test("cancels a running job, and starts one job for one key", async () => {
    const key = { idempotencyKey: crypto.randomUUID() };
    const { jobId } = await client.start({}, key);
    expect((await client.start({}, key)).jobId).toBe(jobId);
    expect(["cancelled", "completed"]).toContain((await client.cancel(jobId)).status);
    const unknown = client.cancel("00000000-0000-4000-8000-000000000000");
    await expect(unknown).rejects.toMatchObject({ code: "job-not-found" });
  });

  test("streams, queries and lists the sources", async () => {
    const stream = await client.stream({ include: ["a"], content: "data" });
    expect(await stream.text()).toContain("(1,'one')");
    expect(await client.query({ sql: "SELECT x FROM a" })).toEqual([{ x: "one" }]);
    const both = [{ sql: "SELECT ? AS n", params: [2] }, { sql: "SELECT id FROM a" }];
    expect(await client.transaction(both)).toEqual([[{ n: 2 }], [{ id: 1 }]]);
    const { sources } = await client.sources();
    expect(sources.map(({ name }) => name)).toContain("main");
  });

  test("passes a 304 on to a caller that knows the file", async () => {
    const { jobId } = await client.wait((await client.start()).jobId);
    const file = await client.download(jobId);
    await file.body?.cancel();
    const headers = { "if-none-match": file.headers.get("etag") ?? "" };
    expect((await client.download(jobId, { headers })).status).toBe(304);
  });
});
