import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { createTestHarness, type TestHarness } from "wrangler";
import { afterAll, beforeAll, expect, test } from "vitest";

import { buildLibrary } from "../../scripts/build-library.mjs";
import { readPage } from "../support/doc-blocks.ts";

const root = join(import.meta.dirname, "../..");
const TOKEN = "ABC123";

/** Rows that the companion must load in one turn: a child before its parent, and what StarbaseDB's own import cuts. */
const SCRIPT = [
  "CREATE TABLE people(id INTEGER PRIMARY KEY, boss REFERENCES people(id), note TEXT)",
  "INSERT INTO people VALUES (2, NULL, 'x' || char(10, 10) || '-- not a comment' || char(10) || 'y')",
  "INSERT INTO people VALUES (1, 2, NULL)",
  "INSERT INTO tmp_rls_policies(id, entry) VALUES (7, 'only their own rows')",
  "DELETE FROM tmp_cache",
];

let folder: string;

beforeAll(() => {
  buildLibrary();
  folder = mkdtempSync(join(tmpdir(), "starbasedb-restore-"));
}, 60_000);

afterAll(() => rmSync(folder, { recursive: true }));

/** A companion and the StarbaseDB that it is bound to, both without any rows. */
async function withFresh<T>(work: (server: TestHarness, url: string) => Promise<T>): Promise<T> {
  const server = createTestHarness({
    workers: [
      {
        configPath: "examples/starbasedb-companion/wrangler.jsonc",
        secrets: { ADMIN_AUTHORIZATION_TOKEN: TOKEN },
        vars: { EXPORT_QUERY: "any" },
      },
      { configPath: "test/support/starbasedb/wrangler.jsonc" },
    ],
  });
  const { url } = await server.listen();
  try {
    return await work(server, String(url));
  } finally {
    await server.close();
  }
}

async function dumpOf(url: string): Promise<string> {
  const headers = { authorization: `Bearer ${TOKEN}` };
  const started = await fetch(new URL("/export/dump", url), { method: "POST", headers });
  const { jobId } = await started.json<{ jobId: string }>();
  for (;;) {
    const response = await fetch(new URL(`/export/dump/${jobId}/download`, url), { headers });
    if (response.ok) return response.text();
    if (response.status !== 409) throw new Error(await response.text());
    await response.body?.cancel();
    await sleep(50);
  }
}

async function runScript(url: string): Promise<{ stdout: string }> {
  const section = readPage("docs/starbasedb.md").split("\n## Restore\n")[1]?.split("\n## ")[0];
  const [, script = ""] = /```sh\n([\s\S]*?)```/.exec(section ?? "") ?? [];
  expect(script).toContain("npx node ../restore/into-durable-object.ts dump.sql");
  const command = script.replaceAll("npx node ../", `'${process.execPath}' '${root}/examples/'`);
  const env = { ...process.env, URL: url, TOKEN };
  return promisify(execFile)("bash", ["-euo", "pipefail", "-c", command], { cwd: folder, env });
}

test("docs/starbasedb.md restores a dump into a fresh StarbaseDB, its own tables included", async () => {
  const dump = await withFresh(async (server, url) => {
    for (const sql of SCRIPT) {
      const body = JSON.stringify({ sql });
      await server.getWorker("starbasedb").fetch("http://x/query", { method: "POST", body });
    }
    return dumpOf(url);
  });
  expect(dump).toContain("only their own rows");
  writeFileSync(join(folder, "dump.sql"), dump);
  await withFresh(async (_, url) => {
    expect((await runScript(url)).stdout).toMatch(/^\d+ statements$/m);
    expect(await dumpOf(url)).toBe(dump);
    await expect(runScript(url)).rejects.toThrow("the object is not empty: table");
  });
}, 240_000);
