import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, test } from "vitest";

import { createApp } from "../../../src/app.ts";
import { readSettings } from "../../../src/config/settings.ts";
import { startScheduledExports } from "../../../src/intake/scheduled.ts";
import type { JobView } from "../../../src/api/job-view.ts";
import type { SourceList } from "../../../src/api/source-list.ts";
import { api, download, ended, startExport } from "../../support/api.ts";

const { SHOP_DB: database } = env as unknown as { SHOP_DB: D1Database };

describe("several sources", () => {
  test("are listed with their type and what each promises", async () => {
    const response = await api("/export/sources");
    const { sources } = await response.json<{ sources: Record<string, unknown>[] }>();
    expect(sources.map(({ name, type, objects }) => [name, type, objects])).toContainEqual([
      "shop",
      "d1",
      "one",
    ]);
    expect(sources.find(({ name }) => name === "shop")).toMatchObject({
      consistency: { default: "live" },
      limits: { statementBytesMax: 100_000, querySecondsMax: 30 },
      problem: null,
      writable: true,
      verify: { default: "checksum", available: ["checksum", "restore"] },
    });
    expect(sources.find(({ name }) => name === "main")).toMatchObject({ writable: false });
  });

  test.each([
    [undefined, "binding EXPORT_SCRATCH is missing"],
    [env.EXPORT_R2_BUCKET, "binding EXPORT_SCRATCH is no Durable Object namespace"],
  ])("cannot be proved by a restore with the binding %s", async (binding, problem) => {
    const bindings = { ...env, EXPORT_SCRATCH: binding };
    const ask = (path: string, body?: string): Promise<Response> =>
      Promise.resolve(
        createApp().request(
          `https://export.example.com${path}`,
          {
            ...(body !== undefined && { method: "POST", body }),
            headers: { authorization: "Bearer test-admin-token-0123456789" },
          },
          bindings,
        ),
      );
    const list = await (await ask("/export/sources")).json<SourceList>();
    expect(list.proof).toMatchObject({ rowsMax: 50_000_000 });
    expect(list.proof.problem).toContain(problem);
    expect(list.sources[0]?.verify).toEqual({ default: "checksum", available: ["checksum"] });
    const refused = await ask("/export/dump", '{"verify":"restore"}');
    expect(refused.status).toBe(503);
    expect(await refused.json()).toMatchObject({
      code: "configuration-invalid",
      detail: expect.stringContaining(problem),
    });
  });

  test("that are described wrongly are refused with the fields' names", () => {
    const vars = {
      ADMIN_AUTHORIZATION_TOKEN: "t",
      EXPORT_SOURCES: '{"main":{"type":"durable-object"},"shop":{"type":"d1","bindng":"B"}}',
    };
    const message = "EXPORT_SOURCES.shop.bindng: unknown field";
    expect(() => readSettings(vars)).toThrow(message);
    expect(() => readSettings({ ...vars, EXPORT_SOURCES: "{" })).toThrow(
      "EXPORT_SOURCES: expected JSON",
    );
  });

  test("are not found by other names", async () => {
    const response = await api("/export/dump", { method: "POST", body: '{"source":"shops"}' });
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ code: "source-not-found" });
  });
});

describe("a request without a source", () => {
  const SHOP = { type: "d1", binding: "SHOP_DB" };
  const NOTES = { type: "durable-object", binding: "DATABASE_DURABLE_OBJECT", name: "notes" };

  /** A call of a deployment with these sources and no others. */
  const ask = (sources: object, path: string, init: RequestInit = {}): Promise<Response> => {
    const headers = new Headers(init.headers);
    headers.set("authorization", "Bearer test-admin-token-0123456789");
    const bindings = { ...env, EXPORT_SOURCES: sources };
    const url = `https://export.example.com${path}`;
    return Promise.resolve(createApp().request(url, { ...init, headers }, bindings));
  };

  beforeAll(async () => {
    await database.prepare("CREATE TABLE IF NOT EXISTS labels(name TEXT)").run();
  });

  test("starts a job of the only one there is, whatever its name", async () => {
    const key = { "idempotency-key": "only source" };
    const started = await ask({ shop: SHOP }, "/export/dump", { method: "POST", headers: key });
    const view = await started.json<JobView>();
    expect(view).toMatchObject({ source: "shop", consistency: "live" });
    await ended(view.jobId);

    const named = { method: "POST", headers: key, body: '{"source":"shop"}' };
    const replayed = await ask({ shop: SHOP, main: NOTES }, "/export/dump", named);
    expect(await replayed.json()).toMatchObject({ jobId: view.jobId });
  });

  test("streams the only one there is", async () => {
    const dump = await ask({ shop: SHOP }, "/export/dump");
    expect(await dump.text()).toContain("CREATE TABLE labels");
    const csv = await ask({ shop: SHOP }, "/export/csv/labels");
    expect(await csv.text()).toBe('"name"\r\n');
    const json = await ask({ shop: SHOP }, "/export/json/labels");
    expect(await json.text()).toBe("[]\n");
  });

  test("queries the embedded database, whatever the sources", async () => {
    const asked = await ask({ shop: SHOP }, "/query", {
      method: "POST",
      body: '{"sql":"SELECT 1"}',
    });
    expect(await asked.json()).toEqual({ result: [{ "1": 1 }] });
  });

  test("is scheduled for the only one there is, and once a tick", async () => {
    const bindings = {
      ...env,
      EXPORT_SOURCES: { shop: SHOP },
      EXPORT_SCHEDULE: [{}],
    } as typeof env;
    await startScheduledExports(bindings, { cron: "0 3 * * *", scheduledTime: 21 });
    const { jobs } = await (await api("/export/jobs?limit=1")).json<{ jobs: JobView[] }>();
    expect(jobs).toMatchObject([{ source: "shop" }]);
    await ended(jobs[0]?.jobId ?? "");

    const twice = { ...bindings, EXPORT_SCHEDULE: [{}, { source: "shop", content: "schema" }] };
    expect(() => readSettings(twice)).toThrow("EXPORT_SCHEDULE: expected one entry per source");
  });

  test("means main among several, or is refused with their names", async () => {
    const started = await ask({ shop: SHOP, main: NOTES }, "/export/dump", { method: "POST" });
    const view = await started.json<JobView>();
    expect(view.source).toBe("main");
    await ended(view.jobId);

    for (const path of ["/export/dump", "/export/csv/labels"]) {
      const refused = await ask({ shop: SHOP, notes: NOTES }, path);
      expect(refused.status).toBe(404);
      expect(await refused.json()).toMatchObject({
        code: "source-not-found",
        detail: 'there is no source "main"',
        sources: ["shop", "notes"],
      });
    }
    const job = await ask({ shop: SHOP, notes: NOTES }, "/export/dump", { method: "POST" });
    expect(await job.json()).toMatchObject({ sources: ["shop", "notes"] });
  });
});

describe("a D1 source", () => {
  beforeAll(async () => {
    await database.batch([
      database.prepare("CREATE TABLE products(id INTEGER PRIMARY KEY, name TEXT, price)"),
      database.prepare(
        "INSERT INTO products VALUES (1, 'tea', 9007199254740993), (2, CAST(X'41ff42' AS TEXT), 9e999), (3, X'00ff', -0.0)",
      ),
    ]);
  });

  test("is exported exactly", async () => {
    const view = await ended((await startExport({ source: "shop" })).jobId);
    expect(view).toMatchObject({ status: "completed", source: "shop", consistency: "live" });
    expect(view.usage.rowsRead).toBeGreaterThan(2);
    const text = new TextDecoder().decode(await download(view.jobId));
    expect(text).toContain("(1,'tea',9007199254740993)");
    expect(text).toContain("CAST(X'41FF42' AS TEXT)");
    expect(text).toContain("X'00FF'");
    expect(text).toContain("-0.0");
  });

  test("is frozen where a snapshot is asked for, and nothing of it is left", async () => {
    await database.batch([
      database.prepare(
        "CREATE TABLE pairs(id INTEGER PRIMARY KEY, a INTEGER, b INTEGER, c TEXT UNIQUE)",
      ),
      database.prepare(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 50000) " +
          "INSERT INTO pairs SELECT i, 0, 0, 'row ' || i FROM n",
      ),
    ]);
    const { jobId } = await startExport({ source: "shop", consistency: "snapshot" });
    const snapshotAt = async (): Promise<string | null> =>
      (await (await api(`/export/dump/${jobId}`)).json<{ snapshotAt: string | null }>()).snapshotAt;
    while ((await snapshotAt()) === null) await scheduler.wait(1);
    const end = new AbortController();
    let writes = 0;
    const writer = (async () => {
      while (!end.signal.aborted) {
        const id = 1 + Math.floor(Math.random() * 50_000);
        const move = "UPDATE pairs SET a = a + 1 WHERE id = ?";
        const back = "UPDATE pairs SET b = b - 1 WHERE id = ?";
        await database.batch([
          database.prepare(move).bind(id),
          database.prepare(back).bind(50_001 - id),
          database.prepare("REPLACE INTO pairs VALUES (?, 7, -7, 'row ' || ?)").bind(id, id),
        ]);
        writes += 1;
        await scheduler.wait(1);
      }
    })();
    const view = await ended(jobId);
    end.abort();
    await writer;
    expect(view).toMatchObject({ status: "completed", consistency: "snapshot", warnings: [] });
    expect(writes).toBeGreaterThan(0);
    const text = new TextDecoder().decode(await download(jobId));
    expect(text.match(/\(\d+,0,0,'row \d+'\)/g)).toHaveLength(50_000);
    const left = "SELECT name FROM sqlite_master WHERE name LIKE 'tmp!_export%' ESCAPE '!'";
    expect((await database.prepare(left).all()).results).toEqual([]);
  });
});

describe("a class of many objects", () => {
  const namespace = env.DATABASE_DURABLE_OBJECT;

  const post = (body: object): Promise<Response> =>
    api("/export/dump", { method: "POST", body: JSON.stringify({ source: "tenants", ...body }) });

  async function fill(name: string, rows: number): Promise<void> {
    const sql =
      "CREATE TABLE IF NOT EXISTS notes(id INTEGER PRIMARY KEY, owner TEXT); INSERT INTO notes " +
      `WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n LIMIT ${rows}) SELECT NULL, ? FROM n`;
    await namespace.getByName(name).executeQuery({ sql, params: [name] });
  }

  test("exports the one that the request names, or gives the id of", async () => {
    await fill("acme", 3);
    await fill("umbrella", 1);
    const id = namespace.idFromName("acme").toString();
    for (const object of [{ name: "acme" }, { id }]) {
      const view = await ended((await startExport({ source: "tenants", ...object })).jobId);
      expect(view).toMatchObject({ status: "completed", source: "tenants", object });
      const text = new TextDecoder().decode(await download(view.jobId));
      expect(text).toContain("(3,'acme')");
      expect(text).not.toContain("umbrella");
      const manifest = await (await api(`/export/dump/${view.jobId}/manifest`)).json();
      expect(manifest).toMatchObject({ source: "tenants", object });
    }
  });

  test("locks each object for itself, however it is named", async () => {
    await fill("busy", 60_000);
    const first = await startExport({ source: "tenants", name: "busy" });
    const again = await post({ id: namespace.idFromName("busy").toString() });
    expect(again.status).toBe(409);
    expect(await again.json()).toMatchObject({ jobId: first.jobId });
    const other = await startExport({ source: "tenants", name: "acme" });
    expect((await ended(other.jobId)).status).toBe("completed");
    expect((await ended(first.jobId)).status).toBe("completed");
  });

  test.each([
    [{}, 400, 'name: source "tenants" is a class of many objects'],
    [{ name: "a", id: "0".repeat(64) }, 400, "send `name` or `id`, not both"],
    [{ id: "0".repeat(64) }, 400, "no object of binding DATABASE_DURABLE_OBJECT has this id"],
    [{ id: "7" }, 400, "expected the 64 hex digits"],
    [{ source: "main", name: "acme" }, 404, 'no object named "acme"'],
    [{ source: "shop", name: "acme" }, 400, "is a D1 database"],
  ])("is not exported by %j", async (body, status, detail) => {
    const response = await post(body);
    expect(response.status).toBe(status);
    expect((await response.json<{ detail: string }>()).detail).toContain(detail);
  });
});

describe("a source that cannot be read", () => {
  test.each([
    ["gone", "binding GONE_DB is missing: add it to wrangler.jsonc"],
    ["mistaken", "binding EXPORT_R2_BUCKET is not a D1 database"],
  ])("is refused before a job is made: %s", async (source, detail) => {
    const response = await api("/export/dump", {
      method: "POST",
      body: JSON.stringify({ source }),
    });
    expect(response.status).toBe(503);
    const problem = await response.json<{ code: string; detail: string; hint: string }>();
    expect(problem.code).toBe("configuration-invalid");
    expect(problem.detail).toContain(detail);
  });

  test("is told of by the list of sources", async () => {
    const { sources } = await (
      await api("/export/sources")
    ).json<{ sources: { name: string; problem: string | null }[] }>();
    const problems = Object.fromEntries(sources.map(({ name, problem }) => [name, problem]));
    expect(problems).toMatchObject({ main: null, tenants: null, methodless: null });
    expect(problems["gone"]).toContain("binding GONE_DB is missing");
    expect(problems["mistaken"]).toContain("is not a D1 database");
  });

  // Tries of a step that fails are 2 s, 4 s, 8 s apart: one that were repeated would not end in time.
  test("fails its job at once where the class lacks the methods", { timeout: 10_000 }, async () => {
    const view = await ended((await startExport({ source: "methodless" })).jobId);
    expect(view.status).toBe("failed");
    expect(view.error?.code).toBe("configuration-invalid");
    expect(view.error?.message).toContain("binding EXPORT_JOBS");
    expect(view.error?.message).toContain("executeTransaction");
    expect(view.warnings).toEqual([]);
  });
});
