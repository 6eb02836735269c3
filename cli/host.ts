import type { Readable, Writable } from "node:stream";

/** What a command has of the process around it; a test gives its own. */
export interface Host {
  env: Record<string, string | undefined>;
  stdin: Readable & { isTTY?: boolean };
  stdout: Writable & { isTTY?: boolean };
  stderr: Writable & { isTTY?: boolean; columns?: number };
  /** Aborted by the first Ctrl-C, SIGTERM or SIGHUP. */
  interrupt: AbortSignal;
}
