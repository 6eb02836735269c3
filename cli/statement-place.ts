import type { ScriptStatement } from "../src/sqlite/statement-splitter.ts";
import { oneLine, shorten } from "./format.ts";

const TEXT_CHARS_MAX = 200;

/** "statement 12 (line 40) `INSERT INTO …`", with at most 200 characters of its text. */
export function describePlace({ number, line, start, bytes }: ScriptStatement): string {
  const head = bytes.subarray(start, start + 8 * TEXT_CHARS_MAX);
  const words = oneLine(new TextDecoder().decode(head));
  return `statement ${number} (line ${line}) \`${shorten(words, TEXT_CHARS_MAX)}\``;
}
