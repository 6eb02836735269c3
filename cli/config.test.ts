import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, expect, test } from "vitest";

import { resolveConfig } from "./config.ts";

let home: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "cli-test-"));
  mkdirSync(join(home, "durable-export"));
  writeFileSync(
    join(home, "durable-export", "config.json"),
    JSON.stringify({ url: "https://file.example", token: "file-token" }),
    { mode: 0o600 },
  );
});

afterEach(() => rmSync(home, { recursive: true }));

test("takes a flag before the environment before the file, each setting by itself", () => {
  const env = { XDG_CONFIG_HOME: home };
  expect(resolveConfig({ env })).toMatchObject({
    url: "https://file.example",
    token: "file-token",
  });
  const withUrl = { ...env, DURABLE_EXPORT_URL: "https://env.example/" };
  expect(resolveConfig({ env: withUrl })).toMatchObject({
    url: "https://env.example",
    urlFrom: "DURABLE_EXPORT_URL",
    token: "file-token",
  });
  const flags = { url: "https://flag.example/base/", token: "flag-token" };
  expect(resolveConfig({ ...flags, env: withUrl })).toMatchObject({
    url: "https://flag.example/base",
    urlFrom: "--url",
    token: "flag-token",
    tokenFrom: "--token",
    warnings: [],
  });
});

test("does not look at a file where flags and environment say all", () => {
  writeFileSync(join(home, "durable-export", "config.json"), "broken");
  const env = { XDG_CONFIG_HOME: home, DURABLE_EXPORT_TOKEN: "t" };
  expect(resolveConfig({ url: "https://x.example", env })).toMatchObject({ token: "t" });
});

test.each([
  ["http://export.example", 1],
  ["http://localhost:8787", 0],
  ["http://127.0.0.1:8787", 0],
  ["https://export.example", 0],
])("%s gives %d warnings", (url, warnings) => {
  expect(resolveConfig({ url, token: "t", env: {} }).warnings).toHaveLength(warnings);
});
