import { createInterface } from "node:readline/promises";

import { Interrupted, usageError } from "./cli-error.ts";
import type { Host } from "./host.ts";

/** What `restore --replace` will delete. */
export interface Replacement {
  target: string;
  /** The object within the target, as the user named it; undefined if the user named none. */
  object: string | undefined;
}

/**
 * Asks at a terminal whether everything in a target may be replaced. The user must type the target's name. Throws a
 * usage error for any other answer, and if there is no terminal; `Interrupted` for Ctrl-C.
 */
export async function confirmReplacement(
  { target, object }: Replacement,
  { stdin, stderr, interrupt }: Pick<Host, "stdin" | "stderr" | "interrupt">,
): Promise<void> {
  const what = object === undefined ? target : `object ${JSON.stringify(object)} of ${target}`;
  if (stdin?.isTTY !== true || stderr.isTTY !== true) {
    throw usageError(
      `--replace deletes everything in ${what}, and there is no terminal to ask for confirmation`,
      "Add --yes if that is what you want.",
    );
  }
  const lines = createInterface({ input: stdin, output: stderr, terminal: true });
  const stop = new AbortController();
  lines.once("SIGINT", () => stop.abort());
  lines.once("close", () => stop.abort());
  try {
    const answer = await lines.question(
      `Everything in ${what} will be exported, deleted and replaced.\nType ${target} to continue: `,
      { signal: AbortSignal.any([interrupt, stop.signal]) },
    );
    if (answer.trim() === target) return;
  } catch {
    throw new Interrupted("interrupted: nothing was changed");
  } finally {
    lines.close();
  }
  throw usageError(`the answer is not ${target}: nothing was changed`);
}
