import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import * as esbuild from "esbuild";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parse } from "yaml";

import { buildCommands } from "../scripts/build-commands.mjs";
import { GITHUB_REPOSITORY } from "../scripts/set-owner.mjs";
import {
  FAKE_TOKEN,
  FakeExportServer,
  type FakeOptions,
  PROVED,
  sendJson,
  sha256Of,
} from "../test/support/fake-export-server.ts";
import { ACTION_FILES, readActionFile, runAction } from "../test/support/run-action.ts";

const REPOSITORY = join(import.meta.dirname, "..");
const EXAMPLES = join(REPOSITORY, "examples", "github-workflows");
const WORKFLOWS = readdirSync(EXAMPLES).filter((name) => name.endsWith(".yml"));
const DUMP = Buffer.from("CREATE TABLE t(a);\nINSERT INTO t VALUES(1),(2),(3);\n");

let server: FakeExportServer;
let folder: string;

beforeEach(async () => {
  server = await FakeExportServer.start({ artifacts: { "dump.sql": DUMP } });
  folder = mkdtempSync(join(tmpdir(), "action-test-"));
});

afterEach(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

interface ActionStep {
  id?: string;
  uses?: string;
  with?: object;
}

/** The one step of a workflow that uses this action. */
function findActionStep(workflowText: string): ActionStep {
  const workflow = parse(workflowText) as { jobs: Record<string, { steps: ActionStep[] }> };
  const steps = Object.values(workflow.jobs).flatMap((job) => job.steps);
  const ours = steps.filter(({ uses }) => uses?.startsWith(`${GITHUB_REPOSITORY}@`));
  expect(ours).toHaveLength(1);
  return ours[0] as ActionStep;
}

async function restart(options: Partial<FakeOptions>): Promise<void> {
  await server.stop();
  server = await FakeExportServer.start({ artifacts: { "dump.sql": DUMP }, ...options });
}

describe("the action, run as a runner does", () => {
  test("starts a fleet of the names it is given, waits for it, and writes no file", async () => {
    const fleetId = "0b1f2c3d-0000-4000-8000-000000000001";
    const fleet = {
      kind: "fleet",
      fleetId,
      status: "completed",
      source: "tenants",
      compression: "gzip",
      createdAt: "2026-11-28T03:17:00.000Z",
      members: { total: 2, packed: 1, exported: 0, empty: 0, failed: 1, pending: 0 },
      progress: { percent: 100, rows: 7, bytes: 900 },
      packs: [],
      masked: [{ table: "users", column: "email", kind: "null" }],
      failures: [{ member: "b", code: "source-timeout", message: "it took too long" }],
    };
    const send = (_: unknown, response: ServerResponse): boolean => {
      sendJson(response, 200, fleet);
      return true;
    };
    server.intercept("/export/fleet", send, Infinity);
    const inputs = {
      url: server.url,
      token: FAKE_TOKEN,
      source: "tenants",
      fleet: "true",
      names: "a\nb\n",
      mask: "users.email=null",
      "copy-to": "offsite",
      encrypt: "copies",
      series: "ci",
      keep: "last=3, daily=7",
    };
    const result = await runAction(inputs, { folder });
    expect(result.exitCode).toBe(0);
    expect(result.outputs).toMatchObject({
      "fleet-id": fleetId,
      "job-id": "",
      file: "",
      bytes: "900",
      rows: "7",
    });
    expect(Object.keys(result.outputs).sort()).toEqual(
      Object.keys(readActionFile().outputs).sort(),
    );
    expect(JSON.parse(server.requestsTo("POST /export/fleet")[0]?.body ?? "")).toEqual({
      source: "tenants",
      names: ["a", "b"],
      compression: "gzip",
      mask: { users: { email: "null" } },
      copyTo: ["offsite"],
      encrypt: "copies",
      series: "ci",
      retention: { keepLast: 3, keepDaily: 7 },
    });
    expect(result.summary).toContain("it took too long");
    expect(result.summary).toContain("users.email (null)");
    expect(readdirSync(folder).filter((name) => name.startsWith("tenants"))).toEqual([]);
  });

  test("writes a verified file, its outputs and a summary with the table of tables", async () => {
    const inputs = { url: server.url, token: FAKE_TOKEN, path: "out.sql", restore: "true" };
    const result = await runAction(inputs, { folder });
    expect(result.exitCode).toBe(0);
    expect(readFileSync(join(folder, "out.sql")).equals(DUMP)).toBe(true);
    expect(result.outputs).toEqual({
      "job-id": server.jobs[0]?.jobId,
      "fleet-id": "",
      file: "out.sql",
      manifest: "out.sql.manifest.json",
      sha256: sha256Of(DUMP),
      bytes: String(DUMP.length),
      rows: "3",
    });
    expect(Object.keys(result.outputs).sort()).toEqual(
      Object.keys(readActionFile().outputs).sort(),
    );
    expect(result.summary).toContain("| <code>t</code> | 3 | 60 |");
    expect(result.summary).toContain(sha256Of(DUMP));
    expect(result.summary).toContain("restored");
    expect(result.summary).toContain(
      "| Consistency | <code>snapshot (one instant, kept by an undo log), as of 2026-11-01T00&#58;",
    );
  });

  test("asks for a proof by restore, and shows it in the summary", async () => {
    await restart({ proof: PROVED });
    const inputs = { url: server.url, token: FAKE_TOKEN, verify: "restore" };
    const { exitCode, summary } = await runAction(inputs, { folder });
    expect(exitCode).toBe(0);
    expect(server.jobs[0]?.request).toMatchObject({ verify: "restore" });
    expect(summary).toContain(
      "| Proof | <code>restored itself&#58; equal, 223,398 rows in 8 pieces, 12.3 s</code> |",
    );
  });

  test("asks for a series and its policy", async () => {
    const inputs = { url: server.url, token: FAKE_TOKEN, series: "ci", keep: "last=3, daily=7" };
    await runAction(inputs, { folder });
    expect(server.jobs[0]?.request).toMatchObject({
      series: "ci",
      retention: { keepLast: 3, keepDaily: 7 },
    });
  });

  test("asks for sealed files, and refuses to restore them", async () => {
    const inputs = { url: server.url, token: FAKE_TOKEN, encrypt: "all" };
    await runAction(inputs, { folder });
    expect(server.jobs[0]?.request).toMatchObject({ encrypt: "all" });
    const { exitCode } = await runAction({ ...inputs, restore: "true" }, { folder });
    expect(exitCode).not.toBe(0);
    expect(server.jobs).toHaveLength(1);
  });

  test("asks for copies at destinations", async () => {
    const inputs = { url: server.url, token: FAKE_TOKEN, "copy-to": "offsite\n archive\n" };
    await runAction(inputs, { folder });
    expect(server.jobs[0]?.request).toMatchObject({ copyTo: ["offsite", "archive"] });
    expect(server.jobs[0]?.request).not.toHaveProperty("copyRequired");
    await runAction({ ...inputs, "copy-required": "true" }, { folder });
    expect(server.jobs[1]?.request).toMatchObject({ copyRequired: true });
  });

  test("writes the ZIP of several files, whose SHA-256 it gives", async () => {
    await restart({ artifacts: { "a.csv": Buffer.from("1\n"), "b.csv": Buffer.from("2\n") } });
    const inputs = { url: server.url, token: FAKE_TOKEN, format: "csv", path: "all.zip" };
    const { exitCode, outputs } = await runAction(inputs, { folder });
    expect(exitCode).toBe(0);
    const zip = readFileSync(join(folder, "all.zip"));
    expect(zip.equals(server.zipOf(server.jobs[0] as { jobId: string }))).toBe(true);
    expect(outputs).toMatchObject({
      file: "all.zip",
      sha256: sha256Of(zip),
      bytes: String(zip.length),
    });
  });

  test("makes an SQLite file, which counts as restored", async () => {
    const inputs = { url: server.url, token: FAKE_TOKEN, path: "app.sqlite", restore: "true" };
    const { exitCode, outputs, summary } = await runAction(inputs, { folder });
    expect(exitCode).toBe(0);
    expect(outputs).toMatchObject({ file: "app.sqlite", manifest: "", sha256: "", rows: "3" });
    expect(summary).toContain("SHA-256 of the dump; restored, with every table's rows counted");
    expect(readFileSync(join(folder, "app.sqlite")).toString("latin1")).toMatch(/^SQLite format 3/);
  });

  test("masks the token before anything else, and shows it nowhere", async () => {
    const { log, summary } = await runAction({ url: server.url, token: FAKE_TOKEN }, { folder });
    expect(log.startsWith(`::add-mask::${FAKE_TOKEN}\n`)).toBe(true);
    expect(log.slice(log.indexOf("\n")) + summary).not.toContain(FAKE_TOKEN);
  });

  test("asks for what the inputs say, and has the file named after the source", async () => {
    await runAction(
      {
        url: server.url,
        token: FAKE_TOKEN,
        source: "shop",
        tables: "a\n b* \n",
        exclude: "c",
        mask: "users.email=length\n users.phone=null",
        retention: "24",
        consistency: "snapshot",
      },
      { folder },
    );
    expect(server.jobs[0]?.request).toEqual({
      source: "shop",
      format: "sql",
      compression: "gzip",
      consistency: "snapshot",
      tables: { include: ["a", "b*"], exclude: ["c"] },
      mask: { users: { email: "length", phone: "null" } },
      retentionHours: 24,
    });
    expect(readdirSync(folder).sort()).toEqual(["shop.sql.gz", "shop.sql.gz.manifest.json"]);
  });

  test("leaves the source to the Worker, and names the file after its only one", async () => {
    await restart({ sources: ["shop"] });
    await runAction({ url: server.url, token: FAKE_TOKEN }, { folder });
    expect(server.jobs[0]?.request).toEqual({ format: "sql", compression: "gzip" });
    expect(readdirSync(folder).sort()).toEqual(["shop.sql.gz", "shop.sql.gz.manifest.json"]);
  });

  test("fails with an annotation and a summary where the export fails", async () => {
    const error = { code: "undo-too-large", message: "100% too\nlarge", hint: "Use `live`." };
    await restart({ ending: { status: "failed", error } });
    const result = await runAction({ url: server.url, token: FAKE_TOKEN }, { folder });
    expect(result.exitCode).toBe(1);
    expect(result.log).toMatch(
      /^::error title=Durable Export::.*undo-too-large: 100%25 too large/m,
    );
    expect(result.summary).toContain("undo-too-large");
    expect(result.outputs).toEqual({});
  });

  test("fails where the restored tables have other rows than the manifest", async () => {
    await restart({ tables: [{ name: "t", rows: 4, bytes: 1 }] });
    const inputs = { url: server.url, token: FAKE_TOKEN, restore: "true" };
    const result = await runAction(inputs, { folder });
    expect(result.exitCode).toBe(1);
    expect(result.log).toContain("has 3 rows after the restore");
  });

  test.each([
    ["token", { token: "" }, 2, "the input token is empty"],
    ["url", { url: "" }, 2, "the input url is empty"],
    ["address", { url: "example" }, 2, "the URL of the input url is not a URL"],
    ["timeout", { timeout: "soon" }, 2, 'the input timeout: "soon" is not a duration'],
    ["retention", { retention: "long" }, 2, "retention must be a whole number"],
    ["mask", { mask: "users.email=hash" }, 2, "--mask"],
    ["verification of a fleet", { fleet: "true", verify: "restore" }, 2, "not for a fleet"],
    ["format of a fleet", { fleet: "true", format: "csv" }, 2, "not for a fleet"],
    ["restore", { restore: "perhaps" }, 2, "restore must be true or false"],
    [
      "format for a restore",
      { restore: "true", format: "csv" },
      2,
      "restore requires an SQL export",
    ],
    ["content for a restore", { restore: "true", content: "data" }, 2, "restore requires an SQL"],
    ["wrong token", { token: "wrong-token" }, 3, "unauthorized"],
  ])("fails in one annotation where the %s is wrong", async (_what, inputs, exitCode, words) => {
    const all = { url: server.url, token: FAKE_TOKEN, ...inputs };
    const result = await runAction(all, { folder });
    expect(result.exitCode).toBe(exitCode);
    expect(result.log.match(/^::error.*$/gm)).toEqual([expect.stringContaining(words)]);
  });

  test("cancels the export where the workflow is cancelled", async () => {
    await restart({ looks: 1e6 });
    const inputs = { url: server.url, token: FAKE_TOKEN };
    const result = await runAction(inputs, {
      folder,
      onLog: (text, kill) => {
        if (text.includes("started")) kill();
      },
    });
    expect(result.exitCode).toBe(130);
    expect(server.jobs[0]?.status).toBe("cancelled");
  });

  test("lets no table's name break the summary or set an output", async () => {
    const name = "a|b<img src=x>\n## big\n`x`\njob-id=evil";
    await restart({ tables: [{ name, rows: 3, bytes: 1 }] });
    const { summary, outputs } = await runAction(
      { url: server.url, token: FAKE_TOKEN },
      { folder },
    );
    expect(summary).not.toContain("<img");
    expect(summary).not.toMatch(/^## big/m);
    expect(outputs["job-id"]).toBe(server.jobs[0]?.jobId);
  });

  test("keeps the summary of thousands of tables within GitHub's 1 MiB", async () => {
    const tables = Array.from({ length: 5_000 }, (_, at) => ({
      name: `${"&".repeat(500)}${at}`,
      rows: 0,
      bytes: 0,
    }));
    await restart({ tables });
    const { summary, exitCode } = await runAction(
      { url: server.url, token: FAKE_TOKEN },
      { folder },
    );
    expect(exitCode).toBe(0);
    expect(summary.length).toBeLessThan(1024 * 1024);
    expect(summary).toContain("more tables");
  });
});

describe("the example workflows, run as a runner does in an empty workspace", () => {
  test.each(WORKFLOWS)("%s writes a file and its manifest", async (name) => {
    await restart({ artifacts: { "dump.sql.gz": gzipSync(DUMP) } });
    const text = readFileSync(join(EXAMPLES, name), "utf8");
    const values: Record<string, string> = {
      "vars.DURABLE_EXPORT_URL": server.url,
      "secrets.DURABLE_EXPORT_TOKEN": FAKE_TOKEN,
      "github.sha": "0123abcd",
      "inputs.source": "main",
      "inputs.format": "sql",
      "inputs.tables": "",
    };
    const inputs = Object.entries(findActionStep(text).with ?? {}).map(([input, value]) => {
      const filled = String(value).replaceAll(/\$\{\{ *([\w.]+) *\}\}/g, (_, key: string) => {
        expect(Object.keys(values), `${name} uses ${key}`).toContain(key);
        return values[key] ?? "";
      });
      return [input, filled];
    });
    const result = await runAction(Object.fromEntries(inputs) as Record<string, string>, {
      folder,
    });
    expect(result).toMatchObject({ exitCode: 0 });
    expect(existsSync(join(folder, result.outputs["file"] ?? "missing"))).toBe(true);
    expect(existsSync(join(folder, result.outputs["manifest"] ?? "missing"))).toBe(true);
  });
});

describe("what is in the repository", () => {
  test.each(ACTION_FILES)("%s starts the bundle that is in Git", async (actionPath) => {
    const inputs = { url: server.url, token: FAKE_TOKEN, path: "out.sql" };
    const { exitCode, outputs } = await runAction(inputs, { folder, actionPath });
    expect({ exitCode, file: outputs["file"] }).toEqual({ exitCode: 0, file: "out.sql" });
  });

  test.each(["action/dist/main.cjs", "action/action.yml"])(
    "%s is what `npm run build` makes of the sources",
    async (path) => {
      await buildCommands(esbuild, { folder });
      const read = (root: string) => readFileSync(join(root, path), "utf8");
      expect(read(folder) === read(REPOSITORY), "run `npm run build` and commit the result").toBe(
        true,
      );
    },
  );

  test("the two action files differ in the path of the bundle, and in nothing else", () => {
    const [root, first] = ACTION_FILES.map((path) => readActionFile(path));
    expect(first).toEqual({ ...root, runs: { ...root?.runs, main: "dist/main.cjs" } });
  });

  test.each(WORKFLOWS)(
    "%s gives the action inputs that it has, and uses outputs that it has",
    (name) => {
      const text = readFileSync(join(EXAMPLES, name), "utf8");
      const { inputs, outputs } = readActionFile();
      const step = findActionStep(text);
      const given = Object.keys(step.with ?? {});
      expect(Object.keys(inputs)).toEqual(expect.arrayContaining(given));
      const required = Object.keys(inputs).filter((input) => inputs[input]?.required === true);
      expect(given).toEqual(expect.arrayContaining(required));
      const used = [...text.matchAll(/steps\.export\.outputs\.([\w-]+)/g)].map(
        ([, output]) => output,
      );
      expect(Object.keys(outputs)).toEqual(expect.arrayContaining(used));
      expect(step.id).toBe("export");
    },
  );
});
