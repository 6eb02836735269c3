import { viewOf } from "../lib/bytes.ts";
import type { ScriptPlace } from "../rpc/load-plan.ts";
import type { ScriptStatement } from "../sqlite/statement-splitter.ts";

/** Characters of a statement that messages quote. */
const SHOWN_CHARS_MAX = 200;

/** A statement's place in its script, as errors and views report it. */
export interface StatementPlaceDetails {
  /** From 1. */
  statement: number;
  /** From 1. */
  line: number;
  /** Byte of the script's text, from 0. */
  offset: number;
  /** The first 200 characters. */
  sql: string;
  [key: string]: string | number;
}

/** Returns where a statement stands, and how it begins. */
export function describeStatement({
  bytes,
  start,
  number,
  line,
  offset,
}: ScriptStatement): StatementPlaceDetails {
  // At most four bytes a character.
  const head = viewOf(bytes).toString("utf8", start, start + 4 * SHOWN_CHARS_MAX);
  const sql = [...head].slice(0, SHOWN_CHARS_MAX).join("");
  return { statement: number, line, offset, sql };
}

/** Returns the place after a statement. */
export function placeAfter({ bytes, start, number, line, offset }: ScriptStatement): ScriptPlace {
  const view = viewOf(bytes);
  let lines = line - 1;
  for (let at = view.indexOf(10, start); at >= 0; at = view.indexOf(10, at + 1)) lines += 1;
  return { textBytes: offset - start + bytes.length, statements: number, lines };
}
