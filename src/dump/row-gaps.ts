import { viewOf } from "../lib/bytes.ts";
import { ROW_SEPARATOR } from "./page-query.ts";

const LINE_FEED = 0x0a;
const SEPARATOR = String.fromCharCode(ROW_SEPARATOR);

/**
 * Turns every `ROW_SEPARATOR` into a line feed and returns their places, in order. They are looked for in
 * a string of as many characters, whose `indexOf` is the C library's `memchr`; that of an array looks at
 * one byte after the other (0.58 s for 1 GB in rows of 108 bytes, this 0.22, November 2026).
 */
export function replaceSeparators(bytes: Uint8Array): number[] {
  const gaps: number[] = [];
  const text = viewOf(bytes).toString("latin1");
  for (let at = text.indexOf(SEPARATOR); at >= 0; at = text.indexOf(SEPARATOR, at + 1)) {
    bytes[at] = LINE_FEED;
    gaps.push(at);
  }
  return gaps;
}
