import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const HOST = "127.0.0.1";
/** Allows for bundling and the first start of the runtime on a slow, busy machine. */
const START_TIMEOUT_MS = 120_000;
/** How long `wrangler dev` may take to end by itself before its whole process group is killed. */
const STOP_TIMEOUT_MS = 5_000;
const OUTPUT_KEPT_CHARACTERS = 20_000;

export interface LocalWorkerOptions {
  /**
   * Folder of the local state. A second start with the same folder finds the state of the first.
   */
  persistTo: string;
  /** Default: a free port. */
  port?: number;
  /** The path that answers when the Worker is ready; default `/health`. */
  healthPath?: string;
  /** Vars of the Worker, in addition to those of the configuration. */
  vars?: Record<string, string>;
  /** Path to a Wrangler configuration. Default: this repository's. */
  config?: string;
  /** Environment of the process, in addition to the current one. */
  environment?: Record<string, string>;
  /** The inspector's port; default: any. */
  inspectorPort?: number;
  /** Ends the start; has no effect after it has resolved. */
  signal?: AbortSignal;
}

export interface LocalWorker {
  /** Without a trailing slash. */
  url: string;
  /** The process id of `wrangler dev`, which is also its process group's. */
  pid: number;
  /** What Wrangler and the Worker have printed: the last 20,000 characters. */
  output(): string;
  /** Ends it in order; kills the rest after 5 s. May be called again, and after `kill`. */
  stop(): Promise<void>;
  /** SIGKILL to the whole process group, like a power cut. Resolves when nothing is left. */
  kill(): Promise<void>;
}

/**
 * Starts the Worker in Cloudflare's local runtime and resolves when `GET /health` answers. It runs
 * as `wrangler dev` in its own process group, because if only `wrangler` is killed, its `workerd`
 * keeps serving. Throws with Wrangler's output when it ends or stays silent for 2 minutes. If this
 * process ends without `stop()`, the group is killed on `exit`.
 */
export async function startLocalWorker(options: LocalWorkerOptions): Promise<LocalWorker> {
  const port = options.port ?? (await findFreePort());
  const child = spawn(process.execPath, wranglerArguments(options, port), {
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...process.env,
      WRANGLER_SEND_METRICS: "false",
      WRANGLER_HIDE_BANNER: "true",
      // Nothing here needs the location that Cloudflare detects for this machine.
      CLOUDFLARE_CF_FETCH_ENABLED: "false",
      // Two local Workers of the same name must not find each other.
      WRANGLER_REGISTRY_PATH: join(options.persistTo, "registry"),
      WRANGLER_LOG_PATH: join(options.persistTo, "logs"),
      ...options.environment,
    },
  });
  const output = collectOutput(child);
  if (child.pid === undefined) {
    const [error] = (await once(child, "error")) as [Error];
    throw new Error("wrangler does not start", { cause: error });
  }
  const group = processGroup(child, { pid: child.pid, port });
  const url = `http://${HOST}:${port}`;
  try {
    const healthUrl = `${url}${options.healthPath ?? "/health"}`;
    await waitUntilHealthy(healthUrl, child, options.signal);
  } catch (error) {
    await group.stop();
    options.signal?.throwIfAborted();
    throw new Error(`the local Worker did not start:\n${output()}`, { cause: error });
  }
  return { url, pid: child.pid, output, stop: group.stop, kill: group.kill };
}

function wranglerArguments(
  { persistTo, vars = {}, config, inspectorPort = 0 }: LocalWorkerOptions,
  port: number,
) {
  const wrangler = createRequire(import.meta.url).resolve("wrangler/package.json");
  const repository = join(import.meta.dirname, "..");
  return [
    join(wrangler, "..", "bin", "wrangler.js"),
    "dev",
    `--config=${config ?? join(repository, "wrangler.jsonc")}`,
    `--persist-to=${persistTo}`,
    `--ip=${HOST}`,
    `--port=${port}`,
    `--inspector-port=${inspectorPort}`,
    "--local",
    "--show-interactive-dev-session=false",
    ...Object.entries(vars).flatMap(([name, value]) => ["--var", `${name}:${value}`]),
  ];
}

function collectOutput(child: ChildProcess): () => string {
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (chunk: string) => {
      text = (text + chunk).slice(-OUTPUT_KEPT_CHARACTERS);
    });
  }
  return () => text;
}

function processGroup(child: ChildProcess, { pid, port }: { pid: number; port: number }) {
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  const killNow = () => signalGroup(pid, "SIGKILL");
  // At a second call, the process id and port may belong to another process.
  let isOver = false;
  process.once("exit", killNow);
  // The free port proves that `workerd` is gone, too. The group's existence does not: in a
  // container whose init does not reap them, killed processes stay in it as zombies.
  const kill = async () => {
    if (isOver) return;
    killNow();
    const isGone = async () => hasEnded() && !(await accepts(port));
    if (!(await waitUntil(isGone, STOP_TIMEOUT_MS))) {
      throw new Error(`process group ${pid} survives SIGKILL`);
    }
    isOver = true;
    process.removeListener("exit", killNow);
  };
  const stop = async () => {
    if (!hasEnded()) signalGroup(pid, "SIGTERM");
    await waitUntil(hasEnded, STOP_TIMEOUT_MS);
    await kill();
  };
  return { stop, kill };
}

/** Signals the remaining processes of the group. Windows has neither: there the whole process tree ends. */
function signalGroup(pid: number, signal: "SIGTERM" | "SIGKILL"): void {
  if (process.platform === "win32") {
    spawnSync("taskkill", ["/pid", String(pid), "/t", "/f"], { stdio: "ignore" });
    return;
  }
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

async function waitUntil(
  condition: () => boolean | Promise<boolean>,
  timeoutMs: number,
): Promise<boolean> {
  const deadlineMs = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadlineMs) return false;
    await sleep(10);
  }
  return true;
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, HOST);
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function waitUntilHealthy(
  url: string,
  child: ChildProcess,
  signal: AbortSignal | undefined,
): Promise<void> {
  const deadlineMs = Date.now() + START_TIMEOUT_MS;
  while (!(await isHealthy(url))) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error("wrangler ended");
    if (Date.now() > deadlineMs) throw new Error(`no answer after ${START_TIMEOUT_MS / 1000} s`);
    await sleep(100, undefined, { signal });
  }
}

async function isHealthy(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(10_000) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

/** Returns a port on which nobody is listening now. */
export async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, HOST);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
