import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  createTestHarness,
  experimental_readRawConfig as readRawConfig,
  type TestHarness,
} from "wrangler";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { buildLibrary } from "../../scripts/build-library.mjs";
import type { JobView } from "../../src/api/job-view.ts";

/** In local development a token that everybody knows will do. */
const TOKEN = "ABC123";
const LOCAL = "http://localhost:8787";

const TENANTS = { type: "durable-object", binding: "TENANT", names: "any" };
/** A class that has other methods than a source's. */
const JOBS = { type: "durable-object", binding: "EXPORT_JOBS", name: "jobs" };

let server: TestHarness;
let folder: string;

beforeAll(async () => {
  buildLibrary();
  const secrets = { ADMIN_AUTHORIZATION_TOKEN: TOKEN };
  folder = mkdtempSync(join(tmpdir(), "examples-"));
  const open = join(folder, "wrangler.json");
  const companion = resolve("examples/starbasedb-companion");
  const { rawConfig } = readRawConfig({ config: join(companion, "wrangler.jsonc") });
  writeFileSync(
    open,
    JSON.stringify({
      ...rawConfig,
      name: "starbasedb-open",
      main: join(companion, "worker.ts"),
      workflows: [
        { name: "starbasedb-open", binding: "EXPORT_WORKFLOW", class_name: "ExportWorkflow" },
      ],
      vars: { EXPORT_QUERY: "any" },
    }),
  );
  server = createTestHarness({
    workers: [
      { configPath: "examples/starbasedb-companion/wrangler.jsonc", secrets },
      { configPath: open, secrets },
      { configPath: "test/support/starbasedb/wrangler.jsonc" },
      { configPath: "examples/d1-backup/wrangler.jsonc", secrets },
      {
        configPath: "examples/mounted-app/wrangler.jsonc",
        secrets,
        vars: { EXPORT_SOURCES: { main: TENANTS, mistaken: JOBS } },
      },
      // Without a secret: a service binding needs no token.
      { configPath: "wrangler.jsonc" },
      { configPath: "examples/service-binding/wrangler.jsonc" },
    ],
  });
  await server.listen();
}, 60_000);

afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Calls of one Worker, as curl makes them in local development. */
function apiOf(worker: string, base = "") {
  const call = (path: string, init: RequestInit = {}): Promise<Response> =>
    server.getWorker(worker).fetch(`${LOCAL}${base}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${TOKEN}` },
    } as never) as unknown as Promise<Response>;
  const start = (body: object = {}): Promise<Response> =>
    call("/export/dump", { method: "POST", body: JSON.stringify(body) });
  const ended = async (jobId: string): Promise<JobView> => {
    for (;;) {
      const view = await (await call(`/export/dump/${jobId}`)).json<JobView>();
      if (view.status !== "queued" && view.status !== "running") return view;
      await sleep(50);
    }
  };
  const dump = async (body: object = {}): Promise<{ view: JobView; sql: string }> => {
    const response = await start(body);
    if (response.status !== 202) throw new Error(await response.text());
    const { jobId } = await response.json<JobView>();
    const view = await ended(jobId);
    if (view.status !== "completed") return { view, sql: "" };
    const download = await call(`/export/dump/${jobId}/download`);
    return { view, sql: await download.text() };
  };
  return { call, start, dump };
}

describe("the companion of a StarbaseDB deployment", () => {
  const { call, dump } = apiOf("starbasedb-export");

  beforeAll(async () => {
    const query = (sql: string): Promise<unknown> =>
      server
        .getWorker("starbasedb")
        .fetch(`${LOCAL}/query`, { method: "POST", body: JSON.stringify({ sql }) });
    await query("CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT)");
    await query("INSERT INTO users VALUES (1, 'Ada'), (2, CAST(X'00ff' AS TEXT))");
    await query("INSERT INTO tmp_cache(entry) VALUES ('cached')");
    await query('CREATE TABLE "tmp_export_stage"(c INTEGER, n INTEGER, s)');
  });

  test("dumps its database, its own tmp_ tables included, and none of this project's", async () => {
    const { view, sql } = await dump();
    expect(view).toMatchObject({ status: "completed", source: "main" });
    expect(sql).toContain("(1,'Ada')");
    expect(sql).toContain("CAST(X'00FF' AS TEXT)");
    expect(sql).toContain("'cached'");
    expect(sql).not.toContain("tmp_export_stage");
    expect(sql).not.toContain("tmp_export_job");
  });

  test("answers StarbaseDB's own calls, and leaves nothing in its database", async () => {
    const started = await call("/export/dump", {
      method: "POST",
      body: JSON.stringify({ callbackUrl: "http://localhost:9/hook" }),
    });
    expect(started.status).toBe(202);
    const { jobId } = await started.json<JobView>();
    let download = await call(`/export/dump/${jobId}/download`);
    while (download.status === 409) {
      await sleep(50);
      download = await call(`/export/dump/${jobId}/download`);
    }
    expect(await (await call(`/export/dump/${jobId}`)).json()).toMatchObject({ jobId });
    expect(await (await call("/export/dump")).text()).toBe(await download.text());
    expect(await (await call("/export/csv/users")).text()).toBe(
      '"id","name"\r\n1,"Ada"\r\n2,"\0\uFFFD"\r\n',
    );
    expect(await (await call("/export/json/users")).text()).toBe(
      '[\n{"id":1,"name":"Ada"},\n{"id":2,"name":"\\u0000\uFFFD"}\n]\n',
    );
    const missing = await call("/export/csv/nothing");
    expect(missing.status).toBe(404);
    expect(await missing.json()).toMatchObject({ code: "table-not-found" });
  });

  test("streams what is more than a page from one instant, and leaves nothing behind", async () => {
    const ask = async (sql: string): Promise<unknown> => {
      const response = await server
        .getWorker("starbasedb")
        .fetch(`${LOCAL}/query`, { method: "POST", body: JSON.stringify({ sql }) });
      return response.json();
    };
    await ask(`CREATE TABLE large AS WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000)
      SELECT i, hex(zeroblob(40)) AS note FROM n`);
    const stream = await call("/export/csv/large");
    await ask("DELETE FROM large");
    expect((await stream.text()).split("\r\n")).toHaveLength(50_002);
    const left = "SELECT name FROM sqlite_master WHERE name GLOB 'tmp_export_snapshot*'";
    expect(await ask(left)).toEqual({ result: [] });
    await ask("DROP TABLE large");
  });

  test("proves the dump of StarbaseDB by a restore, since the scratch class is bound", async () => {
    const { view } = await dump({ verify: "restore" });
    expect(view).toMatchObject({ status: "completed", proof: { state: "proved" } });
  });

  test("leaves out tables that a request excludes", async () => {
    const { sql } = await dump({ tables: { exclude: ["tmp_*"] } });
    expect(sql).toContain("(1,'Ada')");
    expect(sql).not.toContain("tmp_cache");
  });

  test("lists its source, and starts its nightly export by the cron trigger", async () => {
    const sources = await (await call("/export/sources")).json<{ sources: object[] }>();
    expect(sources.sources).toMatchObject([
      { name: "main", type: "durable-object", writable: false },
      { name: "copy", type: "durable-object", writable: true },
    ]);
    await server.getWorker("starbasedb-export").scheduled({ cron: "17 3 * * *" });
    const { jobs } = await (await call("/export/jobs?limit=1")).json<{ jobs: JobView[] }>();
    await expect
      .poll(async () => {
        const response = await call(`/export/dump/${jobs[0]?.jobId}/download`);
        return response.status === 200 ? await response.text() : "";
      })
      .toContain("(1,'Ada')");
  });

  test("keeps cron tasks and rules in its nightly export, and leaves out the cache", async () => {
    const { rawConfig } = readRawConfig({
      config: "examples/starbasedb-companion/wrangler.jsonc",
    });
    const { EXPORT_SCHEDULE: schedule } = rawConfig.vars as {
      EXPORT_SCHEDULE: { tables: object }[];
    };
    const { view, sql } = await dump({ tables: schedule[0]?.tables });
    expect(view.status).toBe("completed");
    expect(sql).not.toContain("tmp_cache");
    for (const table of ["tmp_cron_tasks", "tmp_query_log", "tmp_rls_policies"]) {
      expect(sql).toContain(`CREATE TABLE ${table}(`);
    }
  });

  test("runs no SQL of its callers, unless EXPORT_QUERY lets it", async () => {
    const insert = "INSERT INTO users VALUES (3, 'Eve')";
    const ask = (to: typeof call, body: object): Promise<Response> =>
      to("/query", { method: "POST", body: JSON.stringify(body) });
    const refused = await ask(call, { sql: insert });
    expect(refused.status).toBe(404);
    expect(await refused.json()).toMatchObject({ code: "query-not-available" });
    expect((await dump()).sql).not.toContain("Eve");

    const open = apiOf("starbasedb-open").call;
    const transaction = [{ sql: insert }, { sql: "SELEKT" }];
    const failed = await ask(open, { transaction });
    expect(failed.status).toBe(400);
    expect(await failed.json()).toMatchObject({ code: "query-failed", changed: "unknown" });
    // The stand-in does not roll back, and neither does StarbaseDB.
    expect((await dump()).sql).toContain("(3,'Eve')");
    const several = await ask(open, { sql: "DELETE FROM users; SELEKT" });
    expect(await several.json()).toMatchObject({ code: "invalid-request" });
    const removed = await ask(open, { sql: "DELETE FROM users WHERE id = 3" });
    expect(removed.status).toBe(200);
  });
});

describe("the backup of a D1 database", () => {
  test("exports it as main", async () => {
    const { SHOP_DB: database } = await server
      .getWorker<{ SHOP_DB: D1Database }>("d1-backup")
      .getEnv();
    await database.prepare("CREATE TABLE products(id INTEGER PRIMARY KEY, name TEXT)").run();
    await database.prepare("INSERT INTO products VALUES (7, 'tea')").run();
    const { view, sql } = await apiOf("d1-backup").dump();
    expect(view.status).toBe("completed");
    expect(sql).toContain("(7,'tea')");
  });
});

describe("an app that mounts the routes", () => {
  const { call, start, dump } = apiOf("mounted-app", "/backup");

  test("exports one tenant by its name, and links to where it is mounted", async () => {
    for (const tenant of ["acme", "umbrella"]) {
      const note = await server
        .getWorker("mounted-app")
        .fetch(`${LOCAL}/tenants/${tenant}/notes`, { method: "POST", body: `of ${tenant}` });
      expect(note.status).toBe(201);
    }
    const { view, sql } = await dump({ name: "acme" });
    expect(view).toMatchObject({ status: "completed", object: { name: "acme" } });
    expect(sql).toContain("of acme");
    expect(sql).not.toContain("of umbrella");
    expect(view.links.self).toBe(`${LOCAL}/backup/export/dump/${view.jobId}`);
    expect((await start()).status).toBe(400);
    const nowhere = await call("/nowhere");
    expect(nowhere.status).toBe(404);
    expect(await nowhere.json()).toMatchObject({
      hint: "GET /backup/openapi.json lists the routes.",
    });
  });

  test("fails a job at once whose source's class lacks the methods, and says what to do", async () => {
    const { view } = await dump({ source: "mistaken" });
    expect(view).toMatchObject({ status: "failed", error: { code: "configuration-invalid" } });
    expect(view.error?.message).toMatch(/binding EXPORT_JOBS: .*executeTransaction.*withExport/);
  });
});

describe("an app with a service binding", () => {
  const call = (path: string, init: RequestInit = {}): Promise<Response> =>
    server
      .getWorker("service-binding-app")
      .fetch(`${LOCAL}${path}`, init as never) as unknown as Promise<Response>;

  test("backs up the other Worker's database without a token, and reads the errors' codes", async () => {
    const started = await call("/backups", { method: "POST" });
    expect(started.status).toBe(202);
    const { jobId } = await started.json<JobView>();
    await expect
      .poll(async () => (await (await call(`/backups/${jobId}`)).json<JobView>()).status)
      .toBe("completed");
    const file = await call(`/backups/${jobId}/file`);
    expect(file.headers.get("content-type")).toBe("application/gzip");
    expect((await file.arrayBuffer()).byteLength).toBeGreaterThan(0);
    const missing = await call("/backups/00000000-0000-4000-8000-000000000000");
    expect(await missing.json()).toEqual({
      error: expect.stringMatching(/^job-not-found: /) as string,
    });
  });

  test("is the only way in: no HTTP call of the other Worker is answered without a token", async () => {
    const other = server.getWorker("durable-export");
    expect((await other.fetch(`${LOCAL}/export/jobs`)).status).toBe(503);
    expect((await other.fetch(`${LOCAL}/health`)).status).toBe(200);
  });
});
