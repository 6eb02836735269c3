import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";

import { createApp } from "../../src/app.ts";
import { readSettings } from "../../src/config/settings.ts";
import { api } from "../support/api.ts";

const ORIGIN = "https://export.example.com";
const AUTHORIZATION = { authorization: "Bearer test-admin-token-0123456789" };

async function ask(path: string, init: RequestInit, bindings: object = {}): Promise<Response> {
  return createApp().request(`${ORIGIN}${path}`, init, { ...env, ...bindings });
}

describe("every answer", () => {
  test.each([
    ["GET", "/health", 200],
    ["GET", "/export/jobs", 200],
    ["GET", "/openapi.json", 200],
    ["GET", "/nowhere", 404],
    ["PUT", "/export/jobs", 405],
    ["POST", "/query", 400],
    ["DELETE", "/export/dump/00000000-0000-4000-8000-000000000000", 204],
  ])("to %s %s may not be kept, framed, run or guessed", async (method, path, status) => {
    const response = await api(path, { method });
    expect(response.status).toBe(status);
    const headers = Object.fromEntries(response.headers);
    expect(headers).toMatchObject({
      "x-content-type-options": "nosniff",
      "content-security-policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
      "referrer-policy": "no-referrer",
      "strict-transport-security": "max-age=31536000",
      "cache-control": "no-store",
    });
    expect(headers).not.toHaveProperty("access-control-allow-origin");
    await response.body?.cancel();
  });
});

describe("a request", () => {
  test("of too long headers or too long an address is refused before its token is read", async () => {
    const long = "x".repeat(17_000);
    for (const path of ["/health", "/export/jobs", `/${long}`]) {
      const response = await ask(path, { headers: path.length > 100 ? {} : { "x-long": long } });
      expect(response.status).toBe(431);
      expect(await response.json()).toMatchObject({ code: "headers-too-large" });
    }
    expect((await ask("/health", { headers: { "x-long": "x".repeat(15_000) } })).status).toBe(200);
  });

  test.each(["a b", "[", "a:99999", "%zz", "a:b:c"])(
    "with the malformed Host %j is refused before its token is read",
    async (host) => {
      // The runtime hands over an address that no Request can be made of.
      class Malformed extends Request {
        override get url(): string {
          return `http://${host}/export/dump`;
        }
      }
      for (const method of ["GET", "POST"]) {
        const response = await createApp().fetch(new Malformed(ORIGIN, { method }), env);
        expect(response.status).toBe(400);
        expect(await response.json()).toMatchObject({
          code: "invalid-request",
          issues: [{ path: "Host" }],
        });
      }
    },
  );

  test("of a body that says a short length and is longer is cut off", async () => {
    const piece = new TextEncoder().encode(" ".repeat(10_000));
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        sent += 1;
        controller.enqueue(piece);
      },
    });
    const headers = { ...AUTHORIZATION, "content-length": "2" };
    const response = await ask("/export/dump", { method: "POST", headers, body });
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ code: "body-too-large" });
    expect(sent).toBeLessThan(20);
  });
});

describe("pages of other origins", () => {
  const page = "https://admin.example.com";
  const preflight = {
    method: "OPTIONS",
    headers: { origin: page, "access-control-request-method": "POST" },
  };

  test("may not call the API unless they are configured", async () => {
    const response = await ask("/export/dump", preflight);
    expect(response.status).toBe(401);
    expect(response.headers.get("access-control-allow-origin")).toBeNull();
  });

  test("may where EXPORT_CORS_ORIGINS names them, with a token all the same", async () => {
    const vars = { EXPORT_CORS_ORIGINS: `https://other.example.com, ${page}` };
    const allowed = await ask("/export/dump", preflight, vars);
    expect(allowed.status).toBe(204);
    expect(allowed.headers.get("access-control-allow-origin")).toBe(page);
    expect(allowed.headers.get("access-control-allow-credentials")).toBeNull();

    expect(allowed.headers.get("access-control-allow-methods")).toContain("PUT");
    expect(allowed.headers.get("access-control-allow-headers")).toContain("content-sha256");

    const none = await ask("/export/jobs", { headers: { origin: page } }, vars);
    expect(none.status).toBe(401);
    const called = await ask("/export/jobs", { headers: { ...AUTHORIZATION, origin: page } }, vars);
    expect(called.status).toBe(200);
    expect(called.headers.get("access-control-allow-origin")).toBe(page);

    const stranger = { headers: { ...AUTHORIZATION, origin: "https://evil.example.com" } };
    const refused = await ask("/export/jobs", stranger, vars);
    expect(refused.headers.get("access-control-allow-origin")).toBeNull();
  });

  test.each(["*", "admin.example.com", "https://admin.example.com/", "null"])(
    "are named as origins, not as %s",
    async (value) => {
      expect(() => readSettings({ ...env, EXPORT_CORS_ORIGINS: value })).toThrow(
        "EXPORT_CORS_ORIGINS: expected origins such as",
      );
      const headers = { ...AUTHORIZATION, origin: page };
      const response = await ask("/export/jobs", { headers }, { EXPORT_CORS_ORIGINS: value });
      expect(response.status).toBe(503);
      expect(response.headers.get("access-control-allow-origin")).toBeNull();
    },
  );
});

describe("a rate limiter that is bound", () => {
  test("stops a flood of calls that start something, streams too, and lets others read", async () => {
    const { TEST_RATE_LIMITER } = env as { TEST_RATE_LIMITER?: RateLimit };
    const bindings = { EXPORT_RATE_LIMITER: TEST_RATE_LIMITER };
    const post = () =>
      ask("/export/dump", { method: "POST", headers: AUTHORIZATION, body: "[" }, bindings);
    expect((await post()).status).toBe(400);
    expect((await post()).status).toBe(400);
    const stopped = await post();
    expect(stopped.status).toBe(429);
    expect(stopped.headers.get("retry-after")).toBe("60");
    expect(await stopped.json()).toMatchObject({ code: "too-many-requests" });
    expect((await ask("/export/jobs", { headers: AUTHORIZATION }, bindings)).status).toBe(200);
    for (const path of ["/export/dump", "/export/csv/t", "/export/json/t"]) {
      expect((await ask(path, { headers: AUTHORIZATION }, bindings)).status).toBe(429);
    }
  });

  test.each([
    ["POST", "/export/dump", 1],
    ["DELETE", "/export/dump/no-job", 1],
    ["PUT", "/nowhere", 1],
    ["POST", "/import/files", 1],
    ["PUT", "/import/files/00000000-0000-4000-8000-000000000000/parts/1", 0],
    ["GET", "/export/dump", 1],
    ["HEAD", "/export/dump", 0],
    ["GET", "/export/dump?unknown=1", 0],
    ["GET", "/export/jobs", 0],
    ["GET", "/nowhere", 0],
  ])("counts a call to %s %s %i times", async (method, path, times) => {
    let counted = 0;
    const limit = (): Promise<RateLimitOutcome> => {
      counted += 1;
      return Promise.resolve({ success: false });
    };
    const init = { method, headers: AUTHORIZATION, ...(method === "POST" ? { body: "[" } : {}) };
    const response = await ask(path, init, { EXPORT_RATE_LIMITER: { limit } });
    await response.body?.cancel();
    expect(counted).toBe(times);
    expect(response.status === 429).toBe(times === 1);
  });

  test("counts no call that its token or the settings refuse", async () => {
    const limit = (): never => {
      throw new Error("was asked");
    };
    const read = { authorization: "Bearer test-read-token-0123456789" };
    const refused = { method: "POST", headers: read, body: "[" };
    const bindings = { EXPORT_RATE_LIMITER: { limit } };
    expect((await ask("/query", refused, bindings)).status).toBe(403);
    const broken = { ...bindings, EXPORT_CHUNK_BYTES: "many" };
    const call = { method: "POST", headers: AUTHORIZATION, body: "[" };
    expect((await ask("/query", call, broken)).status).toBe(503);
  });
});

test("POST /query that is turned off reads no body", async () => {
  const init = { method: "POST", headers: AUTHORIZATION, body: "[" };
  const response = await ask("/query", init, { EXPORT_QUERY: "off" });
  expect(response.status).toBe(404);
  expect(await response.json()).toMatchObject({ code: "query-not-available" });
});
