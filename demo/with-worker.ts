import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startLocalWorker } from "../scripts/local-worker.ts";
import type { LocalWorker } from "../scripts/local-worker.ts";
import { printLine, since } from "./progress.ts";
import { UnusableFile } from "../cli/unusable-file.ts";

/**
 * Runs `work` with a local Worker that has its own state, and removes both afterwards. `config` is its Wrangler
 * configuration; default: this repository's. Prints the
 * Worker's output if `work` fails for any reason other than the user's file.
 */
export async function withWorker<T>(
  signal: AbortSignal,
  work: (worker: { url: string; token: string }) => Promise<T>,
  { config, vars = {} }: { config?: string; vars?: Record<string, string> } = {},
): Promise<T> {
  const startMs = Date.now();
  const state = mkdtempSync(join(tmpdir(), "durable-export-demo-"));
  const token = randomUUID();
  const removeState = () => rmSync(state, { recursive: true, force: true, maxRetries: 5 });
  process.once("exit", removeState);
  let worker: LocalWorker | undefined;
  try {
    worker = await startLocalWorker({
      persistTo: state,
      ...(config !== undefined && { config }),
      vars: { ...vars, ADMIN_AUTHORIZATION_TOKEN: token },
      signal,
    });
    printLine("worker", `${worker.url}, started in ${since(startMs)}`);
    return await work({ url: worker.url, token });
  } catch (error) {
    const isWorkersFault = !(error instanceof UnusableFile) && !signal.aborted;
    if (worker !== undefined && isWorkersFault) console.error(worker.output());
    throw error;
  } finally {
    await worker?.stop();
    removeState();
    process.removeListener("exit", removeState);
  }
}
