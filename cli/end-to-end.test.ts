import { execFile, spawn, type StdioOptions } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { gunzipSync } from "node:zlib";

import { Uint8ArrayReader, ZipReader } from "@zip.js/zip.js";
import * as esbuild from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { CLI_ERROR_CODES } from "./cli-error.ts";
import { buildCommands } from "../scripts/build-commands.mjs";
import { type LocalWorker, startLocalWorker } from "../scripts/local-worker.ts";
import { type ChokingProxy, startChokingProxy } from "../test/support/choking-proxy.ts";
import { VERSION } from "../src/api/version.ts";
import { sha256Of } from "../test/support/fake-export-server.ts";
import { runAction } from "../test/support/run-action.ts";

const run = promisify(execFile);

const REPOSITORY = join(import.meta.dirname, "..");
const TOKEN = "local-test-token-0123456789";
/** About 400 bytes each in the dump: 16 MB. */
const ROWS = 40_000;
const CHOKE_BYTES = 5_000_000;

const binding = { type: "durable-object", binding: "DATABASE_DURABLE_OBJECT" };
/** The exported database, and the class whose objects docs/cli.md restores into. */
const SOURCES = {
  main: { ...binding, name: "sql-durable-object" },
  copies: { ...binding, names: "any", writable: true },
};

let folder: string;
let bundle: string;
let worker: LocalWorker;
let proxy: ChokingProxy;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "cli-end-to-end-"));
  await buildCommands(esbuild, { folder });
  bundle = join(folder, "dist", "cli", "durable-export.cjs");
  worker = await startLocalWorker({
    persistTo: join(folder, "state"),
    vars: { ADMIN_AUTHORIZATION_TOKEN: TOKEN, EXPORT_SOURCES: JSON.stringify(SOURCES) },
  });
  proxy = await startChokingProxy(worker.url);
  await query([
    "CREATE TABLE note(id INTEGER PRIMARY KEY, text TEXT)",
    `INSERT INTO note(text) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n
       WHERE i < ${ROWS}) SELECT hex(randomblob(200)) FROM n`,
    "CREATE TABLE [odd; 'name'](k TEXT PRIMARY KEY, v) WITHOUT ROWID",
    "INSERT INTO [odd; 'name'] VALUES ('a;''b', x'00ff'), ('--', 1.5)",
    "CREATE TRIGGER tr AFTER INSERT ON note BEGIN SELECT 1; SELECT 2; END",
  ]);
}, 180_000);

afterAll(async () => {
  await proxy.stop();
  await worker.stop();
  rmSync(folder, { recursive: true });
});

async function query(statements: string[]): Promise<void> {
  const response = await fetch(`${worker.url}/query`, {
    method: "POST",
    headers: { authorization: `Bearer ${TOKEN}` },
    body: JSON.stringify({ transaction: statements.map((sql) => ({ sql })) }),
  });
  if (!response.ok) throw new Error(await response.text());
}

function settings(url = worker.url): NodeJS.ProcessEnv {
  return {
    PATH: process.env["PATH"],
    HOME: folder,
    DURABLE_EXPORT_URL: url,
    DURABLE_EXPORT_TOKEN: TOKEN,
  };
}

function start(args: string[], url?: string) {
  const child = spawn(process.execPath, [bundle, ...args], { cwd: folder, env: settings(url) });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  child.stdout.resume();
  const closed = once(child, "close") as Promise<[number | null, NodeJS.Signals | null]>;
  return { child, closed, stderr: () => stderr };
}

async function cli(args: string[], url?: string): Promise<{ code: number | null; stderr: string }> {
  const { closed, stderr } = start(args, url);
  const [code] = await closed;
  return { code, stderr: stderr() };
}

/** Resolves when `isTrue` says so; the test's own time limit ends a wait that is in vain. */
async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await sleep(10);
}

describe("against a real Worker", () => {
  test("dump ends with a verified file, which a scratch SQLite restores with every row", async () => {
    const dump = await cli(["dump", "-o", "first.sql"]);
    expect(dump).toMatchObject({ code: 0 });
    expect(dump.stderr).toContain("verified");
    const restored = await cli(["verify", "--restore", "first.sql"]);
    expect(restored).toMatchObject({ code: 0 });
    expect(restored.stderr).toContain(ROWS.toLocaleString("en"));
  });

  test("dump becomes an SQLite file with every row and trigger", async () => {
    expect(await cli(["dump", "-o", "app.db", "--compression", "gzip"])).toMatchObject({ code: 0 });
    const app = new DatabaseSync(join(folder, "app.db"), { readOnly: true });
    expect(app.prepare("SELECT count(*) AS n, count(DISTINCT text) AS d FROM note").get()).toEqual({
      n: ROWS,
      d: ROWS,
    });
    expect(app.prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'").all()).toEqual([
      { name: "tr" },
    ]);
    app.close();
    expect(existsSync(join(folder, "app.db.dump"))).toBe(false);
  });

  test("dump compressed by zstd is restored, and CSV comes as a file a table", async () => {
    const dump = await cli(["dump", "-o", "dump.sql.zst", "--compression", "zstd"]);
    expect(dump).toMatchObject({ code: 0 });
    expect(await cli(["verify", "--restore", "dump.sql.zst"])).toMatchObject({ code: 0 });
    const csv = await cli(["dump", "-o", "csv/", "--format", "csv", "--compression", "gzip"]);
    expect(csv).toMatchObject({ code: 0 });
    const lines = gunzipSync(readFileSync(join(folder, "csv", "note.csv.gz"))).toString();
    expect(lines.split("\r\n")).toHaveLength(ROWS + 2);
    const odd = "odd%3B%20%27name%27.csv.gz";
    expect(gunzipSync(readFileSync(join(folder, "csv", odd))).toString()).toBe(
      '"k","v"\r\n"--",1.5\r\n"a;\'b","00FF"\r\n',
    );
    expect(await cli(["verify", "csv/"])).toMatchObject({ code: 0 });
  });

  test("a download killed midway is finished by the same command: same export, same file", async () => {
    const partial = join(folder, "killed.sql.part");
    proxy.choke(CHOKE_BYTES);
    const first = start(["dump", "-o", "killed.sql"], proxy.url);
    await until(() => existsSync(partial) && statSync(partial).size >= CHOKE_BYTES);
    first.child.kill("SIGKILL");
    await first.closed;
    expect(existsSync(join(folder, "killed.sql"))).toBe(false);
    proxy.choke(undefined);
    const second = await cli(["dump", "-o", "killed.sql"], proxy.url);
    expect(second).toMatchObject({ code: 0 });
    expect(second.stderr).toContain("resuming export");
    expect(proxy.ranges).toEqual([undefined, `bytes=${CHOKE_BYTES}-`]);
    const manifest = JSON.parse(readFileSync(join(folder, "killed.sql.manifest.json"), "utf8")) as {
      artifacts: { sha256: string }[];
    };
    expect(sha256Of(readFileSync(join(folder, "killed.sql")))).toBe(manifest.artifacts[0]?.sha256);
    expect(existsSync(partial)).toBe(false);
    expect(existsSync(`${partial}.json`)).toBe(false);
  });

  test("several files come as a ZIP, which a ZIP library reads; -o - gives the same", async () => {
    const dump = await cli(["dump", "-o", "all.zip", "--format", "csv"]);
    expect(dump).toMatchObject({ code: 0 });
    expect(dump.stderr).toContain("2 files, verified, sha256");
    expect(await cli(["verify", "all.zip"])).toMatchObject({ code: 0 });
    const zip = readFileSync(join(folder, "all.zip"));
    const opened = join(folder, "opened");
    mkdirSync(opened);
    const reader = new ZipReader(new Uint8ArrayReader(zip), { useWebWorkers: false });
    for (const entry of await reader.getEntries()) {
      if (entry.directory) throw new Error(`${entry.filename} is no file`);
      const bytes = await entry.arrayBuffer({ checkSignature: true });
      writeFileSync(join(opened, entry.filename), new Uint8Array(bytes));
    }
    await reader.close();
    expect(await cli(["verify", "opened"])).toMatchObject({ code: 0 });
    const { jobId } = JSON.parse(readFileSync(join(opened, "manifest.json"), "utf8")) as {
      jobId: string;
    };
    const { stdout } = await run(process.execPath, [bundle, "-q", "download", jobId, "-o", "-"], {
      cwd: folder,
      env: settings(),
      encoding: "buffer",
      maxBuffer: 2 * zip.length,
    });
    expect(stdout.equals(zip)).toBe(true);
  });

  test("a ZIP whose download was killed midway is finished by the same command", async () => {
    const partial = join(folder, "killed.zip.part");
    const before = proxy.ranges.length;
    const args = ["dump", "-o", "killed.zip", "--format", "ndjson"];
    proxy.choke(CHOKE_BYTES);
    const first = start(args, proxy.url);
    await until(() => existsSync(partial) && statSync(partial).size >= CHOKE_BYTES);
    first.child.kill("SIGKILL");
    await first.closed;
    proxy.choke(undefined);
    const second = await cli(args, proxy.url);
    expect(second).toMatchObject({ code: 0 });
    expect(second.stderr).toContain("resuming at");
    // Each run asks for the ZIP's length first.
    const asked = ["bytes=0-0", undefined, "bytes=0-0", `bytes=${CHOKE_BYTES}-`];
    expect(proxy.ranges.slice(before)).toEqual(asked);
    expect(await cli(["verify", "killed.zip"])).toMatchObject({ code: 0 });
  });

  test("Ctrl-C during the download keeps what came", async () => {
    const partial = join(folder, "stopped.sql.part");
    proxy.choke(CHOKE_BYTES);
    const { child, closed, stderr } = start(["dump", "-o", "stopped.sql"], proxy.url);
    await until(() => existsSync(partial) && statSync(partial).size >= CHOKE_BYTES);
    child.kill("SIGINT");
    expect(await closed).toEqual([130, null]);
    expect(stderr()).toContain("interrupted");
    expect(statSync(partial).size).toBe(CHOKE_BYTES);
    proxy.choke(undefined);
    expect(await cli(["dump", "-o", "stopped.sql"], proxy.url)).toMatchObject({ code: 0 });
  });

  test("Ctrl-C while the export runs has the Worker cancel it", async () => {
    const { child, closed, stderr } = start(["dump", "-o", "cancelled.sql"]);
    await until(() => stderr().includes("started"));
    child.kill("SIGINT");
    expect(await closed).toEqual([130, null]);
    const jobId = /export (\S+) started/.exec(stderr())?.[1] ?? "";
    const response = await fetch(`${worker.url}/export/dump/${jobId}`, {
      headers: { authorization: `Bearer ${TOKEN}` },
    });
    const answer = await response.text();
    // On a slow machine the export may have ended first: then it was removed with its files.
    expect(answer).toMatch(/"status":"cancelled"|"code":"job-not-found"/);
  });

  test("a wrong token, a wrong path, and an option that the Worker does not know", async () => {
    const flags = ["-q", "--retries", "0"];
    const wrongToken = await cli([...flags, "--token", "not-the-token", "dump", "-o", "x.sql"]);
    expect(wrongToken).toMatchObject({ code: 3 });
    expect(wrongToken.stderr).toMatch(/^durable-export: unauthorized: .*\n$/);
    const wrongPath = await cli([...flags, "list"], `${worker.url}/elsewhere`);
    expect(wrongPath).toMatchObject({ code: 3 });
    expect(wrongPath.stderr).toMatch(/^durable-export: .*\n$/);
    const unknown = await cli([...flags, "dump", "-o", "x.sql", "--format", "xlsx"]);
    expect(unknown).toMatchObject({ code: 2 });
    expect(unknown.stderr).toMatch(/^durable-export: invalid-request: .*format.*\n$/);
  });

  test.skipIf(!existsSync("/dev/full"))(
    "a list that standard output has no room for fails in one line",
    async () => {
      const full = openSync("/dev/full", "w");
      const stdio: StdioOptions = ["ignore", full, "pipe"];
      const child = spawn(process.execPath, [bundle, "list"], { env: settings(), stdio });
      let stderr = "";
      child.stderr?.on("data", (text: Buffer) => (stderr += text.toString()));
      expect(await once(child, "close")).toEqual([1, null]);
      closeSync(full);
      expect(stderr).toBe("durable-export: standard output: the disk is full\n");
    },
  );

  test("the Action brings a verified and restored file", async () => {
    const workspace = join(folder, "workspace");
    mkdirSync(workspace);
    const inputs = {
      url: worker.url,
      token: TOKEN,
      compression: "none",
      path: "b/",
      restore: "true",
    };
    const { exitCode, outputs, summary, log } = await runAction(inputs, { folder: workspace });
    expect(log).not.toMatch(/^::error.*$/m);
    expect(exitCode).toBe(0);
    expect(outputs).toMatchObject({ file: "b/", rows: String(ROWS + 2) });
    expect(readFileSync(join(workspace, "b", "dump.sql")).length).toBe(Number(outputs["bytes"]));
    expect(summary).toContain("<code>note</code> | 40,000");
  });
});

describe("second Ctrl-C", () => {
  test("leaves at once, although the Worker does not answer the cancel", async () => {
    const silent = await startChokingProxy("http://127.0.0.1:1");
    const { child, closed } = start(["--retries", "100", "dump", "-o", "silent.sql"], silent.url);
    await until(() => existsSync(join(folder, "silent.sql.part.json")));
    child.kill("SIGINT");
    child.kill("SIGINT");
    await until(() => child.exitCode !== null || !child.kill("SIGINT"));
    expect(await closed).toEqual([130, null]);
    await silent.stop();
  });
});

describe("docs", () => {
  test.each(["cli.md", "ci-backups.md", "api.md", "streams.md"])(
    "every command of docs/%s does what it is there for",
    async (name) => {
      const place = join(folder, name);
      mkdirSync(join(place, "bin"), { recursive: true });
      // `npx durable-export` as a checkout has it, without npm's own second of start each time.
      const npx = join(place, "bin", "npx");
      writeFileSync(npx, `#!/bin/sh\nshift\nexec "${process.execPath}" "${bundle}" "$@"\n`);
      chmodSync(npx, 0o755);
      // A database that the reader has.
      const app = new DatabaseSync(join(place, "app.sqlite"));
      app.exec("CREATE TABLE note(id INTEGER PRIMARY KEY, text); INSERT INTO note VALUES (1, 'x')");
      app.close();
      const text = readFileSync(join(REPOSITORY, "docs", name), "utf8");
      const blocks = [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(
        ([, block]) => block ?? "",
      );
      expect(blocks.length).toBeGreaterThan(1);
      const script = blocks
        .join("\n")
        .replaceAll("http://127.0.0.1:8787", worker.url)
        .replaceAll("=ABC123", `=${TOKEN}`);
      const env = {
        ...settings(),
        PATH: `${join(place, "bin")}${delimiter}${process.env["PATH"]}`,
      };
      await run("bash", ["-euo", "pipefail", "-c", script], { cwd: place, env });
    },
  );

  test("docs/cli.md lists every error code of the command line", () => {
    const text = readFileSync(join(REPOSITORY, "docs", "cli.md"), "utf8");
    const table = text.slice(text.search(/\| code +\| remedy/));
    for (const code of CLI_ERROR_CODES) expect(table).toContain(`\`${code}\``);
  });
});

describe("the package", () => {
  test("`npx durable-export` runs from a checkout", async () => {
    await run("npm", ["run", "--silent", "prepare"], { cwd: REPOSITORY });
    const { stdout } = await run("npx", ["durable-export", "--version"], { cwd: REPOSITORY });
    expect(stdout.trim()).toBe(VERSION);
  });

  test("carries the built command and no test", async () => {
    const { stdout } = await run("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], {
      cwd: REPOSITORY,
    });
    const paths = [...stdout.matchAll(/"path": "([^"]+)"/g)].map(([, path]) => path ?? "");
    expect(paths).toContain("dist/cli/durable-export.cjs");
    expect(paths.filter((path) => path.endsWith(".test.ts"))).toEqual([]);
  });

  test("completes commands and options", async () => {
    const complete = async (...words: string[]) =>
      (await run(process.execPath, [bundle, "complete", "--", ...words])).stdout;
    expect(await complete("d")).toMatch(/^dump\t/m);
    expect(await complete("dump", "--com")).toMatch(/^--compression\t/m);
    expect(await complete("dump", "--format", "n")).toMatch(/^ndjson\b/m);
    expect(await complete("list", "--status", "")).toMatch(/^cancelled\b/m);
    for (const shell of ["bash", "zsh", "fish", "powershell"]) {
      const { stdout } = await run(process.execPath, [bundle, "complete", shell]);
      expect(stdout).toContain("durable-export");
    }
  });
});
