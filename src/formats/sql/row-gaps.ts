import { viewOf } from "../../lib/bytes.ts";
import { ROW_SEPARATOR } from "../../sqlite/page-query.ts";

const LINE_FEED = 0x0a;
const SEPARATOR = String.fromCharCode(ROW_SEPARATOR);

/** If a page's average row has at least this many bytes, one native call per row is faster. */
const NATIVE_CALL_ROW_BYTES = 800;

/**
 * Turns every `ROW_SEPARATOR` of a page into a line feed and returns their positions, in order. A
 * typed array's own `indexOf` checks byte after byte. A Buffer's and a string's use the C library's
 * `memchr`, but a Buffer's call costs 150 ns, and a string is a copy. For 1 GB in rows of 108 bytes
 * the three took 0.58, 1.5 and 0.22 s; in rows of 5 KB, 0.31, 0.04 and 0.17 s (November 2026).
 */
export function replaceSeparators(bytes: Uint8Array, rows: number): number[] {
  const gaps: number[] = [];
  const view = viewOf(bytes);
  const text = bytes.length < rows * NATIVE_CALL_ROW_BYTES ? view.toString("latin1") : undefined;
  const next = (from: number): number =>
    text === undefined ? view.indexOf(SEPARATOR, from, "latin1") : text.indexOf(SEPARATOR, from);
  for (let at = next(0); at >= 0; at = next(at + 1)) {
    bytes[at] = LINE_FEED;
    gaps.push(at);
  }
  return gaps;
}
