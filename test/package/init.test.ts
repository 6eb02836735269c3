import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

import { buildLibrary } from "../../scripts/build-library.mjs";
import { runCli } from "../support/run-cli.ts";

const REPOSITORY = join(import.meta.dirname, "../..");
const ID = "00000000-0000-4000-8000-000000000000";
const wrangler = createRequire(import.meta.url).resolve("wrangler/package.json");

let folder: string;

beforeAll(() => {
  buildLibrary();
  folder = mkdtempSync(join(tmpdir(), "init-"));
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(REPOSITORY, join(folder, "node_modules/durable-export"));
}, 120_000);

afterAll(() => rmSync(folder, { recursive: true }));

function deployDry(place: string): string {
  const words = ["deploy", "--dry-run", "--outdir", join(place, "out")];
  return execFileSync(process.execPath, [join(dirname(wrangler), "bin/wrangler.js"), ...words], {
    cwd: place,
    encoding: "utf8",
    env: { ...process.env, WRANGLER_SEND_METRICS: "false" },
  });
}

test("`wrangler deploy --dry-run` accepts what init writes, also after a second init", async () => {
  const place = join(folder, "backup");
  const first = await runCli(["init", place, "--embedded", "--schedule", "17 3 * * *"], {
    url: "",
  });
  expect(first).toMatchObject({ exitCode: 0 });
  expect(deployDry(place)).toContain("env.DATABASE_DURABLE_OBJECT ");
  const words = ["--d1", `shop:${ID}`, "--durable-object", "TENANT=Tenant@app", "--yes"];
  expect(await runCli(["init", place, ...words], { url: "" })).toMatchObject({ exitCode: 0 });
  const printed = deployDry(place);
  for (const name of [
    "EXPORT_JOBS",
    "EXPORT_SCRATCH",
    "EXPORT_WORKFLOW",
    "EXPORT_R2_BUCKET",
    "DATABASE_DURABLE_OBJECT",
    "SHOP_DB",
    "TENANT",
  ]) {
    expect(printed).toContain(`env.${name} `);
  }
});
