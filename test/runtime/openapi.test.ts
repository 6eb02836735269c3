import { exports } from "cloudflare:workers";
import { beforeAll, describe, expect, inject, test } from "vitest";

import { createApp } from "../../src/app.ts";
import { ROUTES } from "../../src/routes/route-list.ts";
import { api, emptyDatabase, ended, query, startExport } from "../support/api.ts";
import { type ApiDocument, faultsOfAnswer } from "../support/described-api.ts";
import { endedFleet, fillTenants } from "../support/fleets.ts";

const UNKNOWN = "00000000-0000-4000-8000-000000000000";

let document: ApiDocument;
let jobId = "";

beforeAll(async () => {
  document = await (await api("/openapi.json")).json<ApiDocument>();
  await emptyDatabase();
  await query(
    "CREATE TABLE a(id INTEGER PRIMARY KEY, x)",
    "INSERT INTO a VALUES (1, 'one')",
    "CREATE TABLE b(y)",
  );
  jobId = (await ended((await startExport()).jobId)).jobId;
});

test("every route of the app but the page is described, and no other", () => {
  const served = createApp()
    .routes.filter(({ method }) => method !== "ALL")
    .map(({ method, path }) => `${method} ${path}`)
    .filter((name) => name !== "GET /");
  const described = ROUTES.map(({ method, path }) => `${method} ${path}`);
  expect([...described].sort()).toEqual([...new Set(served)].sort());
});

test("the description is served with the deployment's own address", async () => {
  expect(document).toMatchObject({
    openapi: "3.1.1",
    servers: [{ url: "https://export.example.com" }],
  });
  const worker = exports.default as unknown as Fetcher;
  expect((await worker.fetch("https://export.example.com/openapi.json")).status).toBe(401);
});

describe("answers are as described:", () => {
  const call = async (method: string, path: string, init: RequestInit = {}) => {
    const response = await api(path, { ...init, method });
    const answer = {
      status: response.status,
      contentType: response.headers.get("content-type"),
      body: await response.text(),
    };
    expect(faultsOfAnswer({ method, path }, answer, document)).toEqual([]);
    return answer;
  };

  test("of a job from its start to its end", async () => {
    const body = JSON.stringify({ callbackUrl: `${inject("callbackReceiverOrigin")}/answer` });
    await call("POST", "/export/dump", { body });
    const started = await call("POST", "/export/dump", {
      headers: { "idempotency-key": "described" },
    });
    const job = JSON.parse(started.body) as { jobId: string };
    expect(started.status).toBe(202);
    expect((await call("POST", "/export/dump")).status).toBe(409);
    const { status } = await call("GET", `/export/dump/${job.jobId}/download`);
    expect([200, 409]).toContain(status);
    await call("DELETE", `/export/dump/${job.jobId}`);
    await call("DELETE", `/export/dump/${UNKNOWN}`);
  });

  test.each(["GET", "HEAD"])("of %s on what an ended job has", async (method) => {
    for (const path of ["", "/download", "/download/dump.sql", "/manifest"]) {
      expect((await call(method, `/export/dump/${jobId}${path}`)).status).toBe(200);
    }
    // HEAD knows no ranges.
    for (const [range, status] of [["bytes=0-9", 206] as const, ["bytes=999999-", 416] as const]) {
      const ranged = await call(method, `/export/dump/${jobId}/download`, { headers: { range } });
      expect(ranged.status).toBe(method === "GET" ? status : 200);
    }
    const known = { headers: { "if-none-match": "*" } };
    expect((await call(method, `/export/dump/${jobId}/download`, known)).status).toBe(304);
    expect((await call(method, `/export/dump/${jobId}/download/other`)).status).toBe(404);
  });

  test("of what tells of the deployment", async () => {
    for (const path of [
      "/export/jobs",
      "/export/jobs?limit=1&status=completed",
      "/export/sources",
      "/openapi.json",
      "/health",
    ]) {
      expect((await call("GET", path)).status).toBe(200);
    }
    expect((await call("GET", "/export/jobs?limit=0")).status).toBe(400);
  });

  test.each(["GET", "HEAD"])("of %s on what is streamed", async (method) => {
    for (const path of [
      "/export/dump",
      "/export/dump?include=a&format=ndjson&compression=gzip",
      "/export/csv/a",
      "/export/json/b?source=main",
    ]) {
      expect((await call(method, path)).status).toBe(200);
    }
    expect((await call(method, "/export/dump?format=csv")).status).toBe(400);
    expect((await call(method, "/export/csv/nothing")).status).toBe(404);
    expect((await call(method, "/export/csv/a?source=gone")).status).toBe(503);
  });

  test("of a job's events", async () => {
    expect((await call("GET", `/export/dump/${jobId}/events`)).status).toBe(200);
    expect((await call("HEAD", `/export/dump/${jobId}/events`)).status).toBe(200);
  });

  test("of a fleet from its start to its end", async () => {
    await fillTenants(["described"]);
    const body = JSON.stringify({ source: "tenants", names: ["described", "undescribed"] });
    const started = await call("POST", "/export/fleet", { body });
    expect(started.status).toBe(202);
    const { fleetId } = JSON.parse(started.body) as { fleetId: string };
    expect((await call("POST", "/export/fleet", { body })).status).toBe(409);
    expect(await endedFleet(fleetId)).toMatchObject({ status: "completed" });
    const path = `/export/fleet/${fleetId}`;
    for (const below of [
      "",
      "/members?limit=1",
      "/download?name=described",
      "/manifest",
      "/events",
    ]) {
      expect((await call("GET", `${path}${below}`)).status).toBe(200);
    }
    expect((await call("GET", `${path}/download?name=undescribed`)).status).toBe(404);
    expect((await call("GET", `${path}/download`)).status).toBe(400);
    expect((await call("GET", "/export/fleets?limit=5")).status).toBe(200);
    expect((await call("DELETE", `${path}?only=cancel`)).status).toBe(200);
    expect((await call("DELETE", path)).status).toBe(204);
  });

  test("of POST /query", async () => {
    const ask = (body: object) => call("POST", "/query", { body: JSON.stringify(body) });
    expect((await ask({ sql: "SELECT * FROM a" })).status).toBe(200);
    expect((await ask({ transaction: [{ sql: "SELECT 1" }, { sql: "SELECT 2" }] })).status).toBe(
      200,
    );
    expect((await ask({ sql: "SELEKT" })).status).toBe(400);
  });

  test("of an upload", async () => {
    const json = (body: object) => ({ body: JSON.stringify(body) });
    const started = await call("POST", "/import/files", json({ name: "a.sql" }));
    expect(started.status).toBe(201);
    const path = `/import/files/${(JSON.parse(started.body) as { fileId: string }).fileId}`;
    expect((await call("POST", `${path}/complete`, json({ parts: 1 }))).status).toBe(409);
    expect((await call("PUT", `${path}/parts/1`, { body: "SELECT 1;" })).status).toBe(200);
    expect((await call("PUT", `${path}/parts/2`)).status).toBe(422);
    expect((await call("GET", path)).status).toBe(200);
    expect((await call("POST", `${path}/complete`, json({ parts: 1 }))).status).toBe(200);
    expect((await call("DELETE", path)).status).toBe(204);
    for (const [method, below] of [
      ["GET", ""],
      ["PUT", "/parts/1"],
    ] as const) {
      const init = method === "PUT" ? { body: "SELECT 1;" } : {};
      expect((await call(method, `${path}${below}`, init)).status).toBe(404);
    }
    expect((await call("POST", "/import/files", json({}))).status).toBe(400);
  });

  test("of calls without a token, with one that may only read, and for unknown jobs", async () => {
    for (const { method, path, access } of ROUTES) {
      const filled = path.replace(/:(?:job|file|fleet)Id/, UNKNOWN).replace(":artifact", "x");
      const none = await call(method, filled, { headers: { authorization: "none" } });
      expect(none.status).toBe(access === "open" ? 200 : 401);
      const read = { headers: { authorization: "Bearer test-read-token-0123456789" } };
      const status = (await call(method, filled, read)).status;
      expect([method, path, status === 403]).toEqual([
        method,
        path,
        access === "job" || access === "full",
      ]);
    }
  });
});
