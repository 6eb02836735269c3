import { exports } from "cloudflare:workers";
import * as v from "valibot";
import { beforeAll, describe, expect, test } from "vitest";

import { JobListSchema, JobViewSchema } from "../../src/api/job-view.ts";
import { ManifestSchema } from "../../src/api/manifest.ts";
import { api, download, emptyDatabase, ended, query, startExport } from "../support/api.ts";

interface Problem {
  code: string;
  hint: string;
  status: number;
  detail: string;
}

async function problem(response: Response): Promise<Problem> {
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  const body = await response.json<Problem>();
  expect(body.status).toBe(response.status);
  expect(body.hint).not.toBe("");
  expect(JSON.stringify(body)).not.toMatch(/\bat .*\.ts|node_modules/);
  return body;
}

const UNKNOWN = "00000000-0000-4000-8000-000000000000";

describe("bad input", () => {
  test.each([
    ["POST", "/export/dump", "{", 400, "invalid-json"],
    ["POST", "/export/dump", "[]", 400, "invalid-request"],
    ["POST", "/export/dump", '"x"', 400, "invalid-request"],
    ["POST", "/export/dump", '{"formt":"sql"}', 400, "invalid-request"],
    ["POST", "/export/dump", '{"format":"xml"}', 400, "invalid-request"],
    ["POST", "/export/dump", '{"retentionHours":"1"}', 400, "invalid-request"],
    ["POST", "/export/dump", '{"retentionHours":1e300}', 400, "invalid-request"],
    ["POST", "/export/dump", '{"__proto__":{"source":"x"}}', 400, "invalid-request"],
    ["POST", "/export/dump", '{"source":"__proto__"}', 404, "source-not-found"],
    ["POST", "/export/dump", '{"source":"nowhere"}', 404, "source-not-found"],
    ["POST", "/export/dump", `{"source":"${"x".repeat(70_000)}"}`, 413, "body-too-large"],
    ["GET", "/export/dump/x", undefined, 404, "job-not-found"],
    ["GET", `/export/dump/${UNKNOWN}`, undefined, 404, "job-not-found"],
    ["GET", `/export/dump/${UNKNOWN}/download`, undefined, 404, "job-not-found"],
    ["GET", `/export/dump/${UNKNOWN}/manifest`, undefined, 404, "job-not-found"],
    ["DELETE", "/export/dump/not-an-id", undefined, 404, "job-not-found"],
    ["PUT", "/export/dump", "{}", 405, "method-not-allowed"],
    ["PATCH", `/export/dump/${UNKNOWN}`, "{}", 405, "method-not-allowed"],
    ["GET", "/query", undefined, 405, "method-not-allowed"],
    ["GET", "/nowhere", undefined, 404, "not-found"],
    ["GET", "/export/jobs?limit=0", undefined, 400, "invalid-request"],
    ["GET", "/export/jobs?limit=x", undefined, 400, "invalid-request"],
    ["GET", "/export/jobs?status=odd", undefined, 400, "invalid-request"],
    ["GET", "/export/jobs?cursor=%00", undefined, 400, "invalid-request"],
    ["GET", "/export/jobs?other=1", undefined, 400, "invalid-request"],
    ["GET", "/export/jobs?limit=5&limit=6", undefined, 400, "invalid-request"],
    ["GET", "/export/jobs?status=failed&status=failed", undefined, 400, "invalid-request"],
    ["GET", "/export/dump?format=sql&format=csv", undefined, 400, "invalid-request"],
    ["GET", "/export/csv/t?source=main&source=main", undefined, 400, "invalid-request"],
    ["POST", "/query", "{}", 400, "invalid-request"],
    ["POST", "/query", undefined, 400, "invalid-request"],
    ["POST", "/query", '{"sql":"SELEKT 1"}', 400, "query-failed"],
    ["POST", "/query", '{"sql":"SELECT ?","params":[{}]}', 400, "invalid-request"],
  ])("%s %s with %s is answered %i %s", async (method, path, body, status, code) => {
    const response = await api(path, { method, ...(body === undefined ? {} : { body }) });
    expect(response.status).toBe(status);
    expect((await problem(response)).code).toBe(code);
  });

  test.each([
    ['{"formt":"sql"}', "the body: formt: unknown field"],
    ['{"format":"xml"}', 'the body: format: expected "sql"'],
    ['{"retentionHours":"1"}', "the body: retentionHours: expected a number"],
  ])("%s is refused in plain words", async (body, words) => {
    const response = await api("/export/dump", { method: "POST", body });
    expect((await problem(response)).detail).toContain(words);
  });

  test("a wrong method is told which ones there are", async () => {
    const response = await api(`/export/dump/${UNKNOWN}`, { method: "PATCH" });
    expect(response.headers.get("allow")).toBe("DELETE, GET, HEAD");
    await response.body?.cancel();
  });
});

describe("the token", () => {
  test.each([
    ["none", {}],
    ["another", { authorization: "Bearer wrong" }],
    ["a longer one", { authorization: "Bearer test-admin-token-01234567890" }],
    ["another scheme", { authorization: "Basic dGVzdA==" }],
    ["an empty one", { authorization: "Bearer " }],
  ])("is asked for: %s is refused", async (_, headers) => {
    const worker = exports.default as unknown as Fetcher;
    const response = await worker.fetch("https://export.example.com/export/jobs", { headers });
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toMatch(/^Bearer/);
    expect((await problem(response)).code).toBe("unauthorized");
  });

  test("is not asked for by /health", async () => {
    const worker = exports.default as unknown as Fetcher;
    const response = await worker.fetch("https://export.example.com/health");
    expect(await response.json()).toEqual({ status: "ok" });
  });
});

describe("POST /query", () => {
  test("runs a statement with parameters, and a transaction all or nothing", async () => {
    await emptyDatabase();
    await query("CREATE TABLE q(a INTEGER PRIMARY KEY, b TEXT)");
    const call = (body: object): Promise<Response> =>
      api("/query", { method: "POST", body: JSON.stringify(body) });
    expect((await call({ sql: "INSERT INTO q VALUES (?, ?)", params: [1, "x"] })).status).toBe(200);
    const failed = await call({
      transaction: [
        { sql: "INSERT INTO q VALUES (2, 'y')" },
        { sql: "INSERT INTO q VALUES (1, 'z')" },
      ],
    });
    expect((await problem(failed)).detail).toMatch(/UNIQUE/);
    const rows = await call({ sql: "SELECT * FROM q" });
    expect(await rows.json()).toEqual({ result: [{ a: 1, b: "x" }] });
  });
});

describe("a download", () => {
  let jobId = "";
  let whole = new Uint8Array();
  let etag = "";

  beforeAll(async () => {
    await emptyDatabase();
    await query("CREATE TABLE d(a)", "INSERT INTO d VALUES ('one'), ('two')");
    jobId = (await ended((await startExport()).jobId)).jobId;
    whole = (await download(jobId)) as Uint8Array<ArrayBuffer>;
    const head = await api(`/export/dump/${jobId}/download`, { method: "HEAD" });
    etag = head.headers.get("etag") ?? "";
  });

  const get = (headers: HeadersInit = {}, method = "GET"): Promise<Response> =>
    api(`/export/dump/${jobId}/download`, { headers, method });

  test("tells HEAD of the whole file, whatever range it names", async () => {
    for (const range of ["bytes=0-0", "bytes=999999-"]) {
      const response = await get({ range }, "HEAD");
      expect(response.status).toBe(200);
      expect(response.headers.get("content-length")).toBe(String(whole.byteLength));
      expect(response.headers.get("content-range")).toBeNull();
    }
  });

  test("says what it is, to HEAD as well", async () => {
    for (const method of ["GET", "HEAD"]) {
      const response = await get({}, method);
      expect(response.status).toBe(200);
      expect(response.headers.get("content-length")).toBe(String(whole.byteLength));
      expect(response.headers.get("accept-ranges")).toBe("bytes");
      expect(response.headers.get("content-type")).toBe("application/sql");
      expect(response.headers.get("content-disposition")).toMatch(
        /^attachment; filename="main-\d{8}T\d{6}Z\.sql"/,
      );
      expect(response.headers.get("repr-digest")).toMatch(/^sha-256=:.{44}:$/);
      expect(response.headers.get("x-content-type-options")).toBe("nosniff");
      expect((await response.arrayBuffer()).byteLength).toBe(
        method === "GET" ? whole.byteLength : 0,
      );
    }
  });

  test.each([
    ["bytes=0-9", 0, 10],
    ["bytes=5-", 5, undefined],
    ["bytes=-7", -7, undefined],
  ])("gives the range %s", async (range, start, end) => {
    const response = await get({ range });
    expect(response.status).toBe(206);
    const bytes = new Uint8Array(await response.arrayBuffer());
    expect(bytes).toEqual(whole.slice(start, end));
    expect(response.headers.get("content-range")).toMatch(
      new RegExp(`^bytes \\d+-\\d+/${whole.byteLength}$`),
    );
  });

  test("answers 416 behind the end, with the size", async () => {
    const response = await get({ range: `bytes=${whole.byteLength}-` });
    expect(response.status).toBe(416);
    expect(response.headers.get("content-range")).toBe(`bytes */${whole.byteLength}`);
    expect((await problem(response)).code).toBe("range-not-satisfiable");
  });

  test("heeds If-None-Match and If-Range", async () => {
    expect((await get({ "if-none-match": `"x", W/${etag}` })).status).toBe(304);
    const stale = await get({ range: "bytes=0-9", "if-range": '"other"' });
    expect(stale.status).toBe(200);
    await stale.body?.cancel();
    const same = await get({ range: "bytes=0-9", "if-range": etag });
    expect(same.status).toBe(206);
    await same.body?.cancel();
  });

  test("finds an artifact by its name, and no other", async () => {
    const found = await api(`/export/dump/${jobId}/download/dump.sql`);
    expect(found.status).toBe(200);
    await found.body?.cancel();
    const response = await api(`/export/dump/${jobId}/download/other.sql`);
    expect((await problem(response)).code).toBe("artifact-not-found");
  });

  test("and everything told of the job is as the schemas have it", async () => {
    v.parse(JobViewSchema, await (await api(`/export/dump/${jobId}`)).json());
    v.parse(ManifestSchema, await (await api(`/export/dump/${jobId}/manifest`)).json());
    await ended((await startExport()).jobId);
    const first = v.parse(JobListSchema, await (await api("/export/jobs?limit=1")).json());
    expect(first.jobs).toHaveLength(1);
    const second = v.parse(
      JobListSchema,
      await (await api(`/export/jobs?limit=1&cursor=${first.cursor}`)).json(),
    );
    expect(second.jobs[0]?.jobId).toBe(jobId);
    expect(second.cursor).toBeNull();
  });
});
