import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

import { blocksOf } from "../support/doc-blocks.ts";
import { type DocPlace, makeDocPlace } from "../support/doc-place.ts";

let place: DocPlace;

/** The blocks of docs/local-development.md that no test has run yet. */
const left = blocksOf("docs/local-development.md").map(({ text }) => text);

/** Takes the block that starts with `start`. */
function take(start: string): string {
  const at = left.findIndex((text) => text.startsWith(start));
  expect(at, start).not.toBe(-1);
  return left.splice(at, 1)[0] ?? "";
}

beforeAll(async () => {
  place = await makeDocPlace();
}, 120_000);

afterAll(() => place.remove(), 60_000);

test("docs/local-development.md starts the Worker with a token of .dev.vars", async () => {
  const { checkout, run, start } = place;
  // Without the option, wrangler takes a port that another test may use.
  const script = take("echo ").replace("wrangler dev", "wrangler dev --port 8787");
  const server = await start(script, checkout, "8787");
  const sources = await run(take("TOKEN=$(sed"), checkout);
  expect(JSON.parse(sources)).toMatchObject({
    sources: [
      { name: "main", writable: false, problem: null },
      { name: "copy", writable: true, problem: null },
    ],
  });
  await server.stop();
});

test("docs/local-development.md chooses both ports of wrangler", async () => {
  const server = await place.start(take("npx wrangler dev"), place.checkout, "8788");
  await expect.poll(() => server.output()).toContain("Ready on http://127.0.0.1:8788");
  await server.stop();
});

test("docs/local-development.md seeds the embedded database, whose token ABC123 wins over .dev.vars", async () => {
  const { checkout, run, start } = place;
  await run(take("rm -rf"), checkout);
  const script = take("npm run dev").trim();
  const server = await start(`${script} -- --port 8787`, checkout, "8787");
  await run(take("export DURABLE_EXPORT_URL"), checkout);
  expect(readFileSync(join(checkout, "local.sql"), "utf8")).toContain("(1,'hello')");
  await server.stop();
});

test("docs/local-development.md exports a seeded D1 database, at once and by its cron trigger", async () => {
  const { checkout, run, start } = place;
  await start(take("cd examples/d1-backup"), checkout, "8788");
  await run(take("curl -sf http://127.0.0.1:8788/export/dump"), checkout);
  const dump = readFileSync(join(checkout, "orders.sql"), "utf8");
  expect(dump).toContain("(1,'tea')");
  const jobs = await run(take('curl -sf "http://127.0.0.1:8788/cdn-cgi'), checkout);
  expect(jobs).toContain('"source":"main"');
});

test("docs/local-development.md has no other commands", () => {
  expect(left).toEqual([]);
});
