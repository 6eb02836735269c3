import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import * as esbuild from "esbuild";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { EXIT } from "./exit-codes.ts";
import { buildCommands } from "../scripts/build-commands.mjs";
import { VERSION } from "../src/api/version.ts";
import { FAKE_TOKEN, FakeExportServer } from "../test/support/fake-export-server.ts";

/** The Node that runs the built command. CI sets the oldest and the newest; the tests themselves need Node 24. */
const NODE = process.env["COMMAND_NODE"] ?? process.execPath;

const DUMP = Buffer.from("CREATE TABLE t(a);\nINSERT INTO t VALUES(1),(2),(3);\n");

const folder = mkdtempSync(join(tmpdir(), "built-command-"));
/** A folder whose name has what a shell or a URL would change. */
const place = join(folder, "My Backups & 100% größer");
const bundle = join(folder, "dist/cli/durable-export.cjs");

let server: FakeExportServer;

beforeAll(async () => {
  await buildCommands(esbuild, { folder, names: ["cli"] });
  mkdirSync(place);
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, maxRetries: 5 }));

beforeEach(async () => {
  server = await FakeExportServer.start({ artifacts: { "dump.sql": DUMP } });
});
afterEach(() => server.stop());

interface Run {
  child: ChildProcess;
  /** Exit code and signal, when the process and its output have ended. */
  closed: Promise<[code: number | null, signal: string | null]>;
  stdout: () => string;
  stderr: () => string;
}

function start(args: string[]): Run {
  const env = { ...process.env, DURABLE_EXPORT_URL: server.url, DURABLE_EXPORT_TOKEN: FAKE_TOKEN };
  const child = spawn(NODE, [bundle, ...args], { cwd: place, env });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const closed = once(child, "close") as Run["closed"];
  return { child, closed, stdout: () => stdout, stderr: () => stderr };
}

async function run(
  ...args: string[]
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const { closed, stdout, stderr } = start(args);
  const [code] = await closed;
  return { code, stdout: stdout(), stderr: stderr() };
}

test("prints its version and its help, and nothing on standard error", async () => {
  expect(await run("--version")).toEqual({ code: 0, stdout: `${VERSION}\n`, stderr: "" });
  const help = await run("--help");
  expect(help).toMatchObject({ code: 0, stderr: "" });
  expect(help.stdout).toMatch(/^Usage: durable-export /);
  for (const file of readdirSync(join(import.meta.dirname, "commands"))) {
    const [command = "", ...rest] = file.split(".");
    if (rest.join(".") === "ts") expect(help.stdout).toContain(`  ${command}`);
  }
});

test("ends with the usage's exit code for a command that does not exist", async () => {
  const { code, stderr } = await run("dumpp");
  expect(code).toBe(EXIT.usage);
  expect(stderr).toContain("unknown command");
});

test.each(["dump.sql", join("new folder", "ünïcode 100%.sql"), join(folder, "absolute path.sql")])(
  "writes and verifies %j",
  async (path) => {
    expect(await run("-q", "dump", "-o", path)).toEqual({
      code: 0,
      stdout: `${path}\n`,
      stderr: "",
    });
    const whole = path.startsWith(folder) ? path : join(place, path);
    expect(readFileSync(whole).equals(DUMP)).toBe(true);
    expect(await run("-q", "verify", path)).toMatchObject({ code: 0, stderr: "" });
  },
);

test("sends a dump to standard output byte by byte", async () => {
  expect(await run("-q", "dump", "-o", "-")).toEqual({
    code: 0,
    stdout: DUMP.toString(),
    stderr: "",
  });
});

// Windows ends a process that another one signals: only a console sends it Ctrl-C.
describe.skipIf(process.platform === "win32")("signals", () => {
  beforeEach(async () => {
    await server.stop();
    server = await FakeExportServer.start({ artifacts: { "dump.sql": DUMP }, looks: 1e6 });
  });

  /** Resolves when the command has printed that its export started. */
  async function started({ child, stderr }: Run): Promise<void> {
    while (!stderr().includes("started")) await once(child.stderr ?? child, "data");
  }

  test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
    "%s has the Worker cancel the export",
    async (signal) => {
      const dump = start(["dump", "-o", "cancelled.sql"]);
      await started(dump);
      dump.child.kill(signal);
      expect(await dump.closed).toEqual([EXIT.interrupted, null]);
      expect(server.jobs[0]?.status).toBe("cancelled");
      expect(readdirSync(place)).not.toContain("cancelled.sql");
    },
  );

  test("a second signal ends the command although the cancel has no answer", async () => {
    const dump = start(["dump", "-o", "silent.sql"]);
    await started(dump);
    const cancelled = new Promise<void>((resolve) => {
      server.intercept("DELETE ", () => {
        resolve();
        return true;
      });
    });
    dump.child.kill("SIGINT");
    await cancelled;
    dump.child.kill("SIGINT");
    expect(await dump.closed).toEqual([EXIT.interrupted, null]);
  });
});
