import type { Readable, Writable } from "node:stream";

/** A command's view of its process; tests pass their own. */
export interface Host {
  env: Record<string, string | undefined>;
  /** The input for answers; undefined: nobody can be asked. */
  stdin?: Readable & { isTTY?: boolean };
  stdout: Writable & { isTTY?: boolean; columns?: number };
  stderr: Writable & { isTTY?: boolean; columns?: number };
  /** Aborted by the first Ctrl-C, SIGTERM or SIGHUP. */
  interrupt: AbortSignal;
}
