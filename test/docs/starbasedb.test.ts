import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { buildLibrary } from "../../scripts/build-library.mjs";
import { findFreePort } from "../../scripts/local-worker.ts";
import { readPage } from "../support/doc-blocks.ts";

const run = promisify(execFile);
const REPOSITORY = join(import.meta.dirname, "../..");

/** Two folders side by side, as a reader has them: this repository and StarbaseDB. */
let place: string;
let environment: NodeJS.ProcessEnv;
let starbasedbPort: number;
let companionPort: number;
const groups: number[] = [];

/** The commands below a heading of the page, with ports that are free here. */
function commandsBelow(heading: string): string[] {
  const page = readPage("docs/starbasedb.md");
  const section = page.split(`\n## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
  return [...section.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, text = ""]) =>
    text.replaceAll("8787", String(starbasedbPort)).replaceAll("8788", String(companionPort)),
  );
}

/** Runs a command that does not end, until its port is listened at. */
async function startServer(command: string, folder: string, port: number): Promise<void> {
  const child = spawn("bash", ["-euc", command], {
    cwd: join(place, folder),
    env: environment,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  }
  if (child.pid !== undefined) groups.push(child.pid);
  while (!(await accepts(port))) {
    if (child.exitCode !== null) throw new Error(output);
    await sleep(100);
  }
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function askStarbaseDb(sql: string): Promise<void> {
  const url = `http://127.0.0.1:${starbasedbPort}/query`;
  const response = await fetch(url, { method: "POST", body: JSON.stringify({ sql }) });
  if (!response.ok) throw new Error(await response.text());
  await response.body?.cancel();
}

beforeAll(async () => {
  place = mkdtempSync(join(tmpdir(), "docs-starbasedb-"));
  cpSync("test/support/starbasedb", join(place, "starbasedb"), { recursive: true });
  symlinkSync(join(REPOSITORY, "node_modules"), join(place, "node_modules"));
  const checkout = join(place, "durable-export");
  mkdirSync(checkout);
  for (const name of ["package.json", "examples", "node_modules"]) {
    if (name === "node_modules") symlinkSync(join(REPOSITORY, name), join(checkout, name));
    else cpSync(name, join(checkout, name), { recursive: true });
  }
  buildLibrary(join(checkout, "dist/library"));
  starbasedbPort = await findFreePort();
  companionPort = await findFreePort();
  environment = {
    HOME: place,
    PATH: [dirname(process.execPath), process.env["PATH"]].join(delimiter),
    WRANGLER_SEND_METRICS: "false",
    CLOUDFLARE_CF_FETCH_ENABLED: "false",
    WRANGLER_REGISTRY_PATH: join(place, "registry"),
  };
}, 120_000);

afterAll(() => {
  for (const group of groups) {
    try {
      process.kill(-group, "SIGKILL");
    } catch {
      // It has ended by itself.
    }
  }
  rmSync(place, { recursive: true, force: true, maxRetries: 5 });
});

describe("docs/starbasedb.md", () => {
  test("leads to a dump of the StarbaseDB that runs locally, by its own commands", async () => {
    const [startStarbaseDb = "", startCompanion = "", download = ""] =
      commandsBelow("Local development");
    await startServer(startStarbaseDb, "starbasedb", starbasedbPort);
    await startServer(
      startCompanion,
      "durable-export/examples/starbasedb-companion",
      companionPort,
    );
    await askStarbaseDb("CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT)");
    await askStarbaseDb("INSERT INTO users VALUES (1, 'Ada')");
    await run("bash", ["-euc", download], { cwd: place, env: environment });
    const dump = readFileSync(join(place, "database_dump.sql"), "utf8");
    expect(dump).toContain("(1,'Ada')");
    expect(dump).toContain("tmp_cron_tasks");
  });
});
