import type { Readable, Writable } from "node:stream";

/** What a command sees of its process; a test passes its own. */
export interface Host {
  env: Record<string, string | undefined>;
  /** Where answers to questions come from; undefined: nobody can be asked. */
  stdin?: Readable & { isTTY?: boolean };
  stdout: Writable & { isTTY?: boolean; columns?: number };
  stderr: Writable & { isTTY?: boolean; columns?: number };
  /** Aborted by the first Ctrl-C, SIGTERM or SIGHUP. */
  interrupt: AbortSignal;
}
