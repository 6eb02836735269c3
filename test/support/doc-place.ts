import { execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

import { findFreePort } from "../../scripts/local-worker.ts";
import { checkOut } from "./check-out.ts";

const run = promisify(execFile);
const REPOSITORY = join(import.meta.dirname, "..", "..");

/** The ports that pages name. Each gets a free one. */
const DOC_PORTS = ["8787", "8788", "9000", "9001", "9230"] as const;

/** A command that does not end, such as `wrangler dev`. */
export interface DocServer {
  /** What it has printed, with the ports of the page. */
  output: () => string;
  /** Ends it and every process that it started. */
  stop: () => Promise<void>;
}

/** A reader's disk: a checkout after `npm ci`, in which commands of the pages run with free ports. */
export interface DocPlace {
  /** The parent folder of the checkout. */
  folder: string;
  checkout: string;
  /** Runs a script to its end and returns what it printed. Throws with that if a command fails. */
  run: (script: string, cwd: string) => Promise<string>;
  /** Starts a script whose last command is a server. Resolves when `port`, a page's, accepts connections. */
  start: (script: string, cwd: string, port: string) => Promise<DocServer>;
  /** Returns where a server of a page's port listens. */
  urlOf: (port: string) => string;
  /** Ends all servers and removes the folder. */
  remove: () => Promise<void>;
}

/** Makes a place. `variables` are set for every command. */
export async function makeDocPlace(variables: Record<string, string> = {}): Promise<DocPlace> {
  const folder = mkdtempSync(join(tmpdir(), "docs-place-"));
  const checkout = join(folder, "durable-export");
  checkOut(checkout);
  for (const parent of [folder, checkout]) {
    symlinkSync(join(REPOSITORY, "node_modules"), join(parent, "node_modules"));
  }
  execFileSync("npm", ["run", "--silent", "prepare"], { cwd: checkout, stdio: "pipe" });
  const ports = new Map<string, string>();
  for (const port of DOC_PORTS) ports.set(port, String(await findFreePort()));
  const env: NodeJS.ProcessEnv = {
    HOME: folder,
    PATH: [dirname(process.execPath), process.env["PATH"]].join(delimiter),
    WRANGLER_SEND_METRICS: "false",
    WRANGLER_HIDE_BANNER: "true",
    CLOUDFLARE_CF_FETCH_ENABLED: "false",
    WRANGLER_REGISTRY_PATH: join(folder, "registry"),
    ...variables,
  };
  const withFreePorts = (text: string): string => replaceAll(text, ports);
  const withDocPorts = (text: string): string =>
    replaceAll(text, new Map([...ports].map(([doc, free]) => [free, doc])));
  const servers: DocServer[] = [];
  return {
    folder,
    checkout,
    run: async (script, cwd) => {
      const words = ["-euo", "pipefail", "-c", withFreePorts(script)];
      try {
        return withDocPorts((await run("bash", words, { cwd, env })).stdout);
      } catch (cause) {
        const { message, stdout } = cause as Error & { stdout: string };
        throw new Error(`${message}\n${stdout}`, { cause });
      }
    },
    start: async (script, cwd, port) => {
      const server = spawnServer(withFreePorts(script), {
        cwd,
        env,
        port: Number(withFreePorts(port)),
      });
      servers.push(server);
      await server.isReady;
      return { stop: server.stop, output: () => withDocPorts(server.output()) };
    },
    urlOf: (port) => `http://127.0.0.1:${withFreePorts(port)}`,
    remove: async () => {
      for (const server of servers) await server.stop();
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Returns the lines of `shown` that `printed` does not contain in their order. `…` stands for anything. */
export function findMissingLines(printed: string, shown: string): string[] {
  let rest = printed;
  return shown
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => {
      if (line === "") return false;
      const pattern = line
        .split("…")
        .map((text) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"))
        .join(".*?");
      const found = new RegExp(pattern).exec(rest);
      if (found === null) return true;
      rest = rest.slice(found.index + found[0].length);
      return false;
    });
}

function replaceAll(text: string, pairs: ReadonlyMap<string, string>): string {
  const names = new RegExp(`\\b(?:${[...pairs.keys()].join("|")})\\b`, "g");
  return text.replaceAll(names, (name) => pairs.get(name) ?? name);
}

function spawnServer(
  script: string,
  { cwd, env, port }: { cwd: string; env: NodeJS.ProcessEnv; port: number },
): DocServer & { isReady: Promise<void> } {
  const child = spawn("bash", ["-euc", script], {
    cwd,
    env,
    // A group of its own: wrangler leaves its runtime behind if only it is killed.
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  }
  const wait = async (): Promise<void> => {
    while (!(await answers(port))) {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(output);
      await sleep(50);
    }
  };
  // A later server may have the port by the time of a second call.
  let isStopped = false;
  const stop = async (): Promise<void> => {
    if (isStopped || child.pid === undefined) return;
    isStopped = true;
    try {
      process.kill(-child.pid, "SIGKILL");
    } catch {
      // It has ended by itself.
    }
    while (await accepts(port)) await sleep(20);
  };
  return { output: () => output, stop, isReady: wait() };
}

/** Returns if a request has a response. Wrangler accepts connections, and drops them, before its Worker runs. */
async function answers(port: number): Promise<boolean> {
  try {
    await (await fetch(`http://127.0.0.1:${port}/`, { redirect: "manual" })).body?.cancel();
    return true;
  } catch {
    return false;
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
