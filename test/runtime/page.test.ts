import { env } from "cloudflare:workers";
import { expect, test } from "vitest";

import { createApp } from "../../src/app.ts";
import { PAGE } from "../../src/routes/page/built-page.ts";

/** Asks for the page without a token. */
async function ask(init: RequestInit = {}, bindings: object = {}): Promise<Response> {
  return createApp().request("https://export.example.com/", init, { ...env, ...bindings });
}

test("GET / answers the page without a token", async () => {
  const response = await ask();
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
  expect(await response.text()).toBe(PAGE.html);
});

test("the page runs only its own script and styles, calls only its own Worker, and is never framed", async () => {
  const response = await ask();
  await response.body?.cancel();
  const policy = response.headers.get("content-security-policy") ?? "";
  expect(policy).not.toMatch(/unsafe|\*|https?:/);
  expect(policy.split("; ")).toEqual(
    expect.arrayContaining([
      "default-src 'none'",
      `script-src '${PAGE.scriptHash}'`,
      `style-src '${PAGE.styleHash}'`,
      "connect-src 'self'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
    ]),
  );
  expect(Object.fromEntries(response.headers)).toMatchObject({
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-cache",
  });
});

test.each([PAGE.etag, `W/${PAGE.etag}`, `"other", ${PAGE.etag}`])(
  "a browser that has the page as %s gets it no second time",
  async (known) => {
    const response = await ask({ headers: { "if-none-match": known } });
    expect(response.status).toBe(304);
    expect(await response.text()).toBe("");
    expect(response.headers.get("etag")).toBe(PAGE.etag);
  },
);

test("a browser with a former page gets the new one", async () => {
  const response = await ask({ headers: { "if-none-match": '"former"' } });
  expect(response.status).toBe(200);
  await response.body?.cancel();
});

test("HEAD / answers the headers of the page", async () => {
  const response = await ask({ method: "HEAD" });
  expect(response.status).toBe(200);
  expect(response.headers.get("etag")).toBe(PAGE.etag);
  expect(await response.text()).toBe("");
});

test("EXPORT_PAGE off removes the page, and / is as any unknown route", async () => {
  const response = await ask({}, { EXPORT_PAGE: "off" });
  expect(response.status).toBe(401);
  expect(await response.json()).toMatchObject({ code: "unauthorized" });
});

test("any other EXPORT_PAGE is refused with the name of the var", async () => {
  const authorization = "Bearer test-admin-token-0123456789";
  const response = await createApp().request(
    "https://export.example.com/export/jobs",
    { headers: { authorization } },
    { ...env, EXPORT_PAGE: "perhaps" },
  );
  expect(response.status).toBe(503);
  const { code, detail } = await response.json<{ code: string; detail: string }>();
  expect(code).toBe("configuration-invalid");
  expect(detail).toContain("EXPORT_PAGE");
});
