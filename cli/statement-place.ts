import type { ScriptStatement } from "../src/sqlite/statement-splitter.ts";
import { oneLine } from "./format.ts";

const TEXT_CHARS_MAX = 200;

/** "statement 12 (line 40) `INSERT INTO …`", with at most 200 characters of its text. */
export function describePlace({ number, line, start, bytes }: ScriptStatement): string {
  const head = bytes.subarray(start, start + 8 * TEXT_CHARS_MAX);
  const words = oneLine(new TextDecoder().decode(head));
  const shown = words.length > TEXT_CHARS_MAX ? `${words.slice(0, TEXT_CHARS_MAX)}…` : words;
  return `statement ${number} (line ${line}) \`${shown}\``;
}
