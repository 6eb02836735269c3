import { oneLine, shorten } from "./format.ts";

const TEXT_CHARS_MAX = 200;
const LINE_FEED = 0x0a;

/** Where a statement stands in a script. */
export interface StatementPlace {
  /** From 1; 0 before the first. */
  number: number;
  /** The line on which its text starts, from 1. */
  line: number;
  text: Uint8Array;
}

/** Moves `place` to the next statement, which follows the current one without a gap. */
export function advanceTo(place: StatementPlace, statement: Uint8Array): void {
  place.line += countLines(place.text);
  place.number += 1;
  place.text = statement;
}

/** "statement 12 (line 40) `INSERT INTO …`", with at most 200 characters of its text. */
export function describePlace({ number, line, text }: StatementPlace): string {
  const start = text.findIndex((byte) => byte > 0x20);
  const firstLine = line + countLines(text.subarray(0, Math.max(start, 0)));
  const words = oneLine(decode(text.subarray(0, 8 * TEXT_CHARS_MAX)));
  return `statement ${number} (line ${firstLine}) \`${shorten(words, TEXT_CHARS_MAX)}\``;
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function countLines(bytes: Uint8Array): number {
  let count = 0;
  for (let at = bytes.indexOf(LINE_FEED); at >= 0; at = bytes.indexOf(LINE_FEED, at + 1)) {
    count += 1;
  }
  return count;
}
