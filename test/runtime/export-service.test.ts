import { exports } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";

import { createServiceApp } from "../../src/app.ts";
import type { JobView } from "../../src/api/job-view.ts";
import { ExportService } from "../../src/export-service.ts";
import { api, emptyDatabase, query } from "../support/api.ts";

/** The entrypoint, over RPC, as a service binding reaches it. */
const service = (exports as unknown as { ExportService: Service<ExportService> }).ExportService;

beforeEach(async () => {
  await emptyDatabase();
  await query("CREATE TABLE a(id INTEGER PRIMARY KEY, x)", "INSERT INTO a VALUES (1, 'one')");
});

async function ended(jobId: string): Promise<JobView> {
  for (;;) {
    const view = await service.get(jobId);
    if (view.status !== "queued" && view.status !== "running") return view;
    await scheduler.wait(50);
  }
}

/** What a call throws. Awaits the call itself, since a promise of RPC that only `then` is called on counts as unhandled. */
async function errorOf(call: () => Promise<unknown> | undefined): Promise<unknown> {
  try {
    await call();
  } catch (error) {
    return error;
  }
  throw new Error("the call did not fail");
}

describe("the service", () => {
  test("takes an export from its start to its deletion, without a token", async () => {
    const key = { idempotencyKey: crypto.randomUUID() };
    const { jobId } = await service.start({ compression: "none" }, key);
    expect((await service.start({ compression: "none" }, key)).jobId).toBe(jobId);
    const job = await ended(jobId);
    expect(job.status).toBe("completed");
    expect((await service.list({ limit: 1 })).jobs).toEqual([job]);
    expect(await (await service.download(jobId)).text()).toContain("(1,'one')");
    expect((await service.manifest(jobId)).tables).toMatchObject([{ name: "a", rows: 1 }]);
    expect((await service.cancel(jobId)).status).toBe("completed");
    expect(await service.delete(jobId)).toBeNull();
  });

  test("proves an export by a restore", async () => {
    const job = await ended((await service.start({ verify: "restore" })).jobId);
    expect(job).toMatchObject({ verify: "restore", proof: { state: "proved", rows: 1 } });
    expect((await service.manifest(job.jobId)).proof).toEqual(job.proof);
  });

  test("answers as the HTTP API does, but with paths, since a binding has no address", async () => {
    const job = await ended((await service.start()).jobId);
    expect(job.links.self).toBe(`/export/dump/${job.jobId}`);
    const view = await (await api(`/export/dump/${job.jobId}`)).json<JobView>();
    const paths = JSON.stringify(view).replaceAll("https://export.example.com", "");
    expect(JSON.parse(paths)).toEqual(job);
  });

  test("throws the API's own errors, whose message starts with the code", async () => {
    const unknown = "00000000-0000-4000-8000-000000000000";
    expect(await errorOf(() => service.get(unknown))).toMatchObject({
      message: `job-not-found: there is no job ${unknown}`,
      code: "job-not-found",
      status: 404,
      jobId: unknown,
    });
    expect(await errorOf(() => service.start({ format: "xml" as "sql" }))).toMatchObject({
      message: expect.stringMatching(/^invalid-request: the body: format: /) as string,
      problem: { issues: [{ path: "format" }] },
    });
    const callbackUrl = "http://localhost:9/hook";
    expect(await errorOf(() => service.start({ callbackUrl }))).toMatchObject({
      code: "callback-url-refused",
    });
  });

  test("streams, queries and lists the sources", async () => {
    expect(await (await service.stream({ content: "data" })).text()).toContain("(1,'one')");
    expect(await service.query({ sql: "SELECT x FROM a" })).toEqual([{ x: "one" }]);
    const both = [{ sql: "SELECT ? AS n", params: [2] }, { sql: "SELECT id FROM a" }];
    expect(await service.transaction(both)).toEqual([[{ n: 2 }], [{ id: 1 }]]);
    expect((await service.sources()).sources.map(({ name }) => name)).toContain("main");
  });

  test("answers no HTTP request, and shows nothing of itself", async () => {
    const request = (): Promise<Response> =>
      service.fetch("https://export.example.com/export/jobs");
    expect(await errorOf(request)).toBeInstanceOf(Error);
    for (const name of ["env", "ctx", "client"]) {
      const call = (service as unknown as Record<string, () => Promise<unknown>>)[name];
      expect(await errorOf(() => call?.())).toMatchObject({
        message: expect.stringContaining("does not implement") as string,
      });
    }
  });
});

test("the app without a token is not exported by the package", async () => {
  const entries = await Promise.all([
    import("../../src/library.ts"),
    import("../../src/library-hono.ts"),
    import("../../src/library-worker.ts"),
  ]);
  for (const entry of entries) expect(Object.values(entry)).not.toContain(createServiceApp);
});
