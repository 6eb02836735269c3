import { env, exports } from "cloudflare:workers";
import { introspectWorkflow, runInDurableObject } from "cloudflare:test";
import { Hono } from "hono";
import { afterEach, beforeAll, describe, expect, inject, test, vi } from "vitest";

import { readAccessTokens } from "../../src/config/access-tokens.ts";
import { createApp } from "../../src/app.ts";
import { ROUTES } from "../../src/routes/route-list.ts";
import { findStream, insertStream } from "../../src/jobs/tables/stream-rows.ts";
import { api, emptyDatabase, ended, query, startExport } from "../support/api.ts";

const ORIGIN = "https://export.example.com";
const FULL = ["test-admin-token-0123456789", "test-admin-token-next-one"];
const JOB = ["test-job-token-0123456789", "test-job-token-next-one"];
const READ = ["test-read-token-0123456789", "test-read-token-next-one"];

function call(method: string, path: string, token: string): Promise<Response> {
  return api(path, { method, headers: { authorization: `Bearer ${token}` } });
}

let jobId = "";

beforeAll(async () => {
  await emptyDatabase();
  await query("CREATE TABLE a(x)", "INSERT INTO a VALUES (1)");
  jobId = (await ended((await startExport()).jobId)).jobId;
});

/** The page is no call of the API, so it is in no list and no description. */
const PAGE = "GET /";

/** Who may make each call, as the documentation promises it. */
const CALLS: [call: string, opens: "everybody" | "read" | "job" | "full"][] = [
  [PAGE, "everybody"],
  ["GET /health", "everybody"],
  ["GET /openapi.json", "read"],
  ["GET /export/sources", "read"],
  ["GET /export/jobs", "read"],
  ["GET /export/dump/:jobId", "read"],
  ["GET /export/dump/:jobId/events", "read"],
  ["GET /export/dump/:jobId/manifest", "read"],
  ["GET /export/dump/:jobId/manifest.sig", "read"],
  ["GET /export/dump/:jobId/download", "read"],
  ["GET /export/dump/:jobId/download/:artifact", "read"],
  ["POST /export/dump", "job"],
  ["POST /export/destinations/probe", "job"],
  ["DELETE /export/dump/:jobId", "job"],
  ["POST /export/fleet", "job"],
  ["GET /export/fleet/:fleetId", "read"],
  ["DELETE /export/fleet/:fleetId", "job"],
  ["GET /export/fleet/:fleetId/events", "read"],
  ["GET /export/fleet/:fleetId/members", "read"],
  ["GET /export/fleet/:fleetId/download", "read"],
  ["GET /export/fleet/:fleetId/manifest", "read"],
  ["GET /export/fleet/:fleetId/manifest.sig", "read"],
  ["GET /export/fleets", "read"],
  ["GET /export/dump", "full"],
  ["GET /export/csv/:table", "full"],
  ["GET /export/json/:table", "full"],
  ["POST /import/dump", "full"],
  ["GET /import/dump/:jobId", "read"],
  ["GET /import/dump/:jobId/events", "read"],
  ["DELETE /import/dump/:jobId", "full"],
  ["GET /import/jobs", "read"],
  ["POST /import/files", "full"],
  ["GET /import/files/:fileId", "full"],
  ["PUT /import/files/:fileId/parts/:number", "full"],
  ["POST /import/files/:fileId/complete", "full"],
  ["DELETE /import/files/:fileId", "full"],
  ["POST /query", "full"],
];

const TOKENS: [who: string, token: string, opens: string[]][] = [
  ["nobody", "", ["everybody"]],
  ["a stranger", "unknown-token-0123456789", ["everybody"]],
  ...READ.map((token): [string, string, string[]] => [
    "EXPORT_READ_TOKEN",
    token,
    ["everybody", "read"],
  ]),
  ...JOB.map((token): [string, string, string[]] => [
    "EXPORT_JOB_TOKEN",
    token,
    ["everybody", "read", "job"],
  ]),
  ...FULL.map((token): [string, string, string[]] => [
    "ADMIN_AUTHORIZATION_TOKEN",
    token,
    ["everybody", "read", "job", "full"],
  ]),
];

describe("every call", () => {
  test("stands in the matrix", () => {
    const routes = createApp().routes.filter(({ method }) => method !== "ALL");
    const served = new Set(routes.map(({ method, path }) => `${method} ${path}`));
    expect([...served].sort()).toEqual(CALLS.map(([name]) => name).sort());
  });

  test("is a route of the list, and nothing else is mounted but the page and what every call passes", () => {
    const listed = ROUTES.map(({ method, path }) => `${method} ${path}`);
    const mounted = createApp().routes.map(({ method, path }) => `${method} ${path}`);
    const passed = mounted.filter((name) => name === "ALL /*");
    // Security headers, length, Host, CORS; the token; full access for what no route answers.
    expect(passed).toHaveLength(6);
    expect(mounted.filter((name) => name !== "ALL /*").sort()).toEqual([PAGE, ...listed].sort());
  });

  test("to a handler that is not in the list asks for full access", async () => {
    const app = createApp().get("/planted", (context) => context.text("planted"));
    for (const [who, token, opened] of TOKENS) {
      const headers = { authorization: `Bearer ${token}` };
      const { status } = await app.request(`${ORIGIN}/planted`, { headers }, env);
      const refusal = opened.length > 1 ? 403 : 401;
      expect([who, status]).toEqual([who, opened.includes("full") ? 200 : refusal]);
    }
  });

  test.each(CALLS)("%s is open to those it is for, and to nobody else", async (name, opens) => {
    const [method = "", path = ""] = name.split(" ");
    const filled = path
      .replace(":jobId", "00000000-0000-4000-8000-000000000000")
      .replace(":artifact", "dump.sql")
      .replace(":table", "a")
      .replace(":fileId", "00000000-0000-4000-8000-000000000000")
      .replace(":fleetId", "00000000-0000-4000-8000-000000000000")
      .replace(":number", "1");
    for (const asked of method === "GET" ? ["GET", "HEAD"] : [method]) {
      for (const [who, token, opened] of TOKENS) {
        // A body that no call takes, so that nothing starts.
        const response = await api(filled, {
          method: asked,
          headers: { authorization: token === "" ? "" : `Bearer ${token}` },
          ...(method === "POST" ? { body: "[" } : {}),
        });
        await response.body?.cancel();
        const isKnown = opened.length > 1 || opens === "everybody";
        const refusal = opened.includes(opens) ? undefined : isKnown ? 403 : 401;
        const { status } = response;
        expect([asked, who, status === 401 || status === 403 ? status : undefined]).toEqual([
          asked,
          who,
          refusal,
        ]);
      }
    }
  });

  test("is described with the secrets that open it", async () => {
    const described = await (
      await api("/openapi.json")
    ).json<{
      paths: Record<string, Record<string, { "x-tokens"?: string[] }>>;
    }>();
    const secrets = ["EXPORT_READ_TOKEN", "EXPORT_JOB_TOKEN", "ADMIN_AUTHORIZATION_TOKEN"];
    for (const [name, opens] of CALLS) {
      const [method = "", path = ""] = name.split(" ");
      const tokens = described.paths[path.replaceAll(/:(\w+)/g, "{$1}")]?.[method.toLowerCase()];
      const first = ["read", "job", "full"].indexOf(opens);
      expect([name, tokens?.["x-tokens"]]).toEqual([
        name,
        first < 0 ? undefined : secrets.slice(first),
      ]);
    }
  });
});

describe.each([
  ["mount", new Hono().mount("/backup", createApp().fetch)],
  ["route", new Hono().route("/backup", createApp())],
])("below a path of another app, by its %s()", (_method, app) => {
  test.each(TOKENS)("%s opens what it opens anywhere", async (_who, token, opened) => {
    for (const [name, opens] of CALLS.filter(([name]) => !name.includes(":"))) {
      const [method = "", path] = name.split(" ");
      const response = await app.request(
        // `route()` serves the page without the slash only.
        `${ORIGIN}/backup${path === "/" ? "" : path}`,
        {
          method,
          headers: { authorization: `Bearer ${token}` },
          ...(method === "POST" ? { body: "[" } : {}),
        },
        env,
      );
      await response.body?.cancel();
      const isRefused = response.status === 401 || response.status === 403;
      expect([name, isRefused]).toEqual([name, !opened.includes(opens)]);
    }
  });
});

describe("a token for jobs", () => {
  const ask = (method: string, path: string, body?: object): Promise<Response> =>
    api(path, {
      method,
      headers: { authorization: `Bearer ${JOB[0]}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });

  test("starts an export, follows it and downloads it", async () => {
    const started = await ask("POST", "/export/dump", {});
    expect(started.status).toBe(202);
    const { jobId } = await started.json<{ jobId: string }>();
    const path = `/export/dump/${jobId}`;
    expect(await (await ask("GET", `${path}/events`)).text()).toContain("event: end");
    expect(await (await ask("GET", `${path}/download`)).text()).toContain("CREATE TABLE");
    expect((await ask("GET", `${path}/manifest`)).status).toBe(200);
  });

  test("cancels an export that runs, again and again", async () => {
    await query(
      "CREATE TABLE IF NOT EXISTS large AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000) SELECT i, hex(zeroblob(50)) FROM n",
    );
    const { jobId } = await (await ask("POST", "/export/dump", {})).json<{ jobId: string }>();
    for (let times = 0; times < 2; times += 1) {
      const response = await ask("DELETE", `/export/dump/${jobId}`);
      expect(response.status).toBe(200);
      expect(await response.json()).toMatchObject({ status: "cancelled" });
    }
  });

  test("deletes no export that has ended, and no file of it", async () => {
    const response = await ask("DELETE", `/export/dump/${jobId}`);
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({
      code: "forbidden",
      detail: expect.stringContaining("does not delete a job that is completed"),
    });
    expect((await ask("GET", `/export/dump/${jobId}/download`)).status).toBe(200);
  });

  test("ends no stream", async () => {
    const streamId = crypto.randomUUID();
    await runInDurableObject(env.EXPORT_JOBS.getByName("jobs"), (_, { storage }) =>
      insertStream(
        storage.sql,
        { streamId, databaseKey: "another", request: { source: "main" }, snapshotId: null },
        Date.now(),
      ),
    );
    const response = await ask("DELETE", `/export/dump/${streamId}`);
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ code: "forbidden" });
    await runInDurableObject(env.EXPORT_JOBS.getByName("jobs"), (_, { storage }) => {
      expect(findStream(storage.sql, streamId)).toBeDefined();
    });
  });
});

describe("a read-only token", () => {
  test.each(READ)("reads status, list, files, manifest and sources: %#", async (token) => {
    const job = `/export/dump/${jobId}`;
    for (const path of [
      job,
      `${job}/download`,
      `${job}/download/dump.sql`,
      `${job}/manifest`,
      "/export/jobs",
      "/export/sources",
    ]) {
      for (const method of ["GET", "HEAD"]) {
        const response = await call(method, path, token);
        expect([path, response.status]).toEqual([path, 200]);
        await response.body?.cancel();
      }
    }
  });

  test("is refused on every other route there is", async () => {
    const routes = createApp().routes.filter(
      ({ method, path }) => method !== "ALL" && path !== "/health" && path !== "/",
    );
    const closed = routes.filter(
      ({ method, path }) =>
        !ROUTES.some(
          (route) => route.method === method && route.path === path && route.access === "read",
        ),
    );
    const names = closed.map(({ method, path }) => `${method} ${path}`);
    expect(names).toEqual(
      expect.arrayContaining(["POST /export/dump", "DELETE /export/dump/:jobId", "POST /query"]),
    );
    for (const { method, path } of closed) {
      const response = await call(method, path.replace(":jobId", jobId), READ[0] ?? "");
      expect([method, path, response.status]).toEqual([method, path, 403]);
      expect(await response.json()).toMatchObject({ code: "forbidden" });
    }
    expect((await call("GET", `/export/dump/${jobId}`, READ[0] ?? "")).status).toBe(200);
  });
});

describe("the tokens of a secret", () => {
  test.each(FULL)("are valid both at once: %#", async (token) => {
    const response = await call("GET", "/export/jobs", token);
    expect(response.status).toBe(200);
    await response.body?.cancel();
  });

  test.each([...FULL.map((token) => token.slice(0, -1)), FULL.join(" "), `${READ[0]}x`, ""])(
    "are taken whole: %s is refused",
    async (token) => {
      const response = await call("GET", "/export/jobs", token);
      expect(response.status).toBe(401);
      await response.body?.cancel();
    },
  );

  test("are at most two, and at least one", () => {
    const parse = (token: string | undefined, read?: string) =>
      readAccessTokens(
        { ADMIN_AUTHORIZATION_TOKEN: token, EXPORT_READ_TOKEN: read },
        { localDevelopment: false },
      );
    expect(parse(" one\n two ")).toEqual({ full: ["one", "two"], job: [], read: [] });
    expect(parse("one", "two")).toEqual({ full: ["one"], job: [], read: ["two"] });
    expect(() => parse("s3cret1 s3cret2 s3cret3")).toThrow(
      /^ADMIN_AUTHORIZATION_TOKEN: expected at most two tokens, separated by a space$/,
    );
    expect(() => parse(undefined)).toThrow("ADMIN_AUTHORIZATION_TOKEN: ");
    expect(() => parse("  ")).toThrow("ADMIN_AUTHORIZATION_TOKEN: expected a token");
    expect(() => parse("one", "")).toThrow("EXPORT_READ_TOKEN: expected a token");
  });

  test.each([
    [
      { ADMIN_AUTHORIZATION_TOKEN: "ABC123" },
      "ADMIN_AUTHORIZATION_TOKEN is a token from the documentation",
    ],
    [
      { ADMIN_AUTHORIZATION_TOKEN: "own", EXPORT_READ_TOKEN: "next DEF456" },
      "EXPORT_READ_TOKEN is a token from the documentation",
    ],
    [
      { ADMIN_AUTHORIZATION_TOKEN: "own", EXPORT_JOB_TOKEN: "next your-job-token" },
      "EXPORT_JOB_TOKEN is a token from the documentation",
    ],
  ])("are refused where documentation uses them, but for local development", (vars, words) => {
    expect(() => readAccessTokens(vars, { localDevelopment: false })).toThrow(words);
    expect(readAccessTokens(vars, { localDevelopment: true }).full).toHaveLength(1);
  });

  test("that everybody knows serve nothing on a public host, and do on this machine", async () => {
    const known = { ...env, ADMIN_AUTHORIZATION_TOKEN: "ABC123" };
    const ask = (url: string, bindings: object): Promise<Response> =>
      Promise.resolve(
        createApp().request(
          `${url}/export/sources`,
          { headers: { authorization: "Bearer ABC123" } },
          bindings,
        ),
      );
    expect((await ask("http://localhost:8787", known)).status).toBe(200);
    const deployed = await ask(ORIGIN, known);
    expect(deployed.status).toBe(503);
    expect(await deployed.json()).toMatchObject({ code: "configuration-invalid" });
    const named = { ...known, EXPORT_PUBLIC_URL: ORIGIN };
    expect((await ask("http://localhost:8787", named)).status).toBe(503);
  });

  test("are asked for before anything is told of the settings", async () => {
    const bindings = { ...env, EXPORT_CHUNK_BYTES: "many" };
    const ask = (token: string): Promise<Response> =>
      Promise.resolve(
        createApp().request(
          `${ORIGIN}/export/jobs`,
          { headers: { authorization: `Bearer ${token}` } },
          bindings,
        ),
      );
    expect((await ask("wrong")).status).toBe(401);
    expect(await (await ask(FULL[0] ?? "")).json()).toMatchObject({
      code: "configuration-invalid",
      detail: expect.stringContaining("EXPORT_CHUNK_BYTES"),
    });
  });
});

describe("secrets", () => {
  afterEach(() => vi.restoreAllMocks());

  test("stand in no log, job view, step result, callback or error", async () => {
    const said: unknown[] = [];
    for (const level of ["log", "info", "warn", "error", "debug"] as const) {
      vi.spyOn(console, level).mockImplementation((...words) => void said.push(words));
    }
    await using workflows = await introspectWorkflow(env.EXPORT_WORKFLOW);
    const worker = exports.default as unknown as Fetcher;
    const headers = { authorization: `Bearer ${FULL[0]}` };
    const callbackUrl = `${inject("callbackReceiverOrigin")}/answer?status=410&token=s3cret-path`;
    const started = await worker.fetch("http://localhost/export/dump", {
      method: "POST",
      headers,
      body: JSON.stringify({ callbackUrl }),
    });
    const view = await ended((await started.json<{ jobId: string }>()).jobId);
    const [instance] = await workflows.get();
    await instance?.waitForStatus("complete");
    for (const name of ["open snapshot", "export a 1", "publish manifest", "send callback 1"]) {
      said.push(await instance?.waitForStepResult({ name }));
    }
    said.push(view, await (await api(`/export/dump/${view.jobId}`)).text());
    for (const [method, path, token] of [
      ["POST", "/query", FULL[0]],
      ["POST", "/query", READ[0]],
      ["POST", "/query", JOB[0]],
      ["GET", "/nowhere", FULL[1]],
      ["GET", "/export/jobs", `${FULL[0]}!`],
      ["GET", "/export/jobs?cursor=%00", FULL[0]],
    ] as const) {
      const response = await call(method, path, token ?? "");
      said.push([...response.headers], await response.text());
    }
    const text = JSON.stringify(said);
    expect(text).toContain("the receiver answered 410");
    for (const secret of [...FULL, ...JOB, ...READ, "dGVzdC13ZWJob29r", "s3cret-path"]) {
      expect(text).not.toContain(secret);
    }
  });
});

describe("a job's id", () => {
  test("is random: 122 bits of it", async () => {
    expect(jobId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });
});
