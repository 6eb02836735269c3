import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import * as v from "valibot";
import { expect, test, vi } from "vitest";

import { route } from "../route.ts";
import { ROUTES } from "../route-list.ts";
import { describeApi } from "./openapi-document.ts";

// Nothing here runs in the runtime, whose module Node does not have.
vi.mock("cloudflare:workers", () => ({}));

const run = promisify(execFile);

test("the API's description passes Redocly's recommended rules", async () => {
  const folder = await mkdtemp(join(tmpdir(), "openapi-"));
  try {
    const file = join(folder, "openapi.json");
    await writeFile(file, JSON.stringify(describeApi(ROUTES, "https://export.example.org")));
    const linter = fileURLToPath(import.meta.resolve("@redocly/cli/bin/cli.js"));
    const { stdout } = await run(
      process.execPath,
      [linter, "lint", file, "--extends=recommended-strict", "--format=json"],
      { env: { ...process.env, REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" } },
    ).catch((error: { stdout: string }) => error);
    const { totals, problems } = JSON.parse(stdout) as {
      totals: { errors: number; warnings: number };
      problems: { ruleId: string; message: string }[];
    };
    expect(problems.map(({ ruleId, message }) => `${ruleId}: ${message}`)).toEqual([]);
    expect(totals).toMatchObject({ errors: 0, warnings: 0 });
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("a schema without a name stands where it is used", () => {
  const added = route({
    method: "POST",
    path: "/fleet/:name",
    operationId: "startFleet",
    summary: "Start a fleet",
    access: "full",
    body: { schema: v.strictObject({ sql: v.string() }), bytesMax: 1, isRequired: true },
    answers: [{ status: 200, description: "It", content: v.strictObject({ id: v.number() }) }],
    errors: [],
    handler: () => new Response(),
  });
  expect(describeApi([added], "https://export.example.org")).toMatchObject({
    paths: {
      "/fleet/{name}": {
        post: {
          "x-tokens": ["ADMIN_AUTHORIZATION_TOKEN"],
          parameters: [{ name: "name", in: "path", required: true, schema: { type: "string" } }],
          requestBody: {
            content: {
              "application/json": { schema: { properties: { sql: { type: "string" } } } },
            },
          },
          responses: {
            200: {
              content: {
                "application/json": { schema: { properties: { id: { type: "number" } } } },
              },
            },
          },
        },
      },
    },
  });
});
