import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const HOST = "127.0.0.1";
/** Bundling and the first start of the runtime on a slow, busy machine. */
const START_TIMEOUT_MS = 120_000;
/** What `wrangler dev` gets to end by itself before its whole process group is killed. */
const STOP_TIMEOUT_MS = 5_000;
const OUTPUT_KEPT_CHARACTERS = 20_000;

export interface LocalWorkerOptions {
  /** Folder of the local state. A second start with the same folder finds what the first one left. */
  persistTo: string;
  /** Default: a free port. */
  port?: number;
  /** Vars of the Worker, beside those of the configuration. */
  vars?: Record<string, string>;
  /** Path to a Wrangler configuration. Default: this repository's. */
  config?: string;
  /** Of the process, beside this one's own. */
  environment?: Record<string, string>;
  /** Where its inspector listens; default: anywhere. */
  inspectorPort?: number;
  /** Ends the start; without meaning once it has resolved. */
  signal?: AbortSignal;
}

export interface LocalWorker {
  /** Without a slash at its end. */
  url: string;
  /** The process id of `wrangler dev`, which is also its process group's. */
  pid: number;
  /** What Wrangler and the Worker have printed, the last 20,000 characters of it. */
  output(): string;
  /** Ends it in order; kills what is left after 5 s. May be called again, and after `kill`. */
  stop(): Promise<void>;
  /** SIGKILL to the whole process group, as a power cut would. Resolves when nothing is left. */
  kill(): Promise<void>;
}

/**
 * Starts the Worker in Cloudflare's local runtime and resolves when `GET /health` answers.
 * It runs as `wrangler dev` in a process group of its own, because a `wrangler` killed alone leaves
 * its `workerd` serving. Throws with Wrangler's output when it ends or stays silent for 2 minutes.
 * Should this process end without `stop()`, the group is killed on `exit`.
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
      // Nothing here needs the place that Cloudflare sees this machine at.
      CLOUDFLARE_CF_FETCH_ENABLED: "false",
      // Two local Workers of one name must not find each other.
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
    await waitUntilHealthy(url, child, options.signal);
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
  // Process id and port may be another's by the time of a second call.
  let isOver = false;
  process.once("exit", killNow);
  // The port tells that `workerd` is gone, too. The group's existence does not: in a container
  // without an init that reaps them, killed processes stay in it as zombies.
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

/** Signals what is left of the group. */
function signalGroup(pid: number, signal: "SIGTERM" | "SIGKILL"): void {
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
    const response = await fetch(`${url}/health`, { signal: AbortSignal.timeout(10_000) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

/** A port that nobody listens at now. */
export async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, HOST);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
