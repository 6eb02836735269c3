import type { Cell } from "../../sqlite/cell.ts";
import { concatBytes, decodeUtf8, encodeUtf8, fromHex } from "../../lib/bytes.ts";
import { assert } from "../../lib/assert.ts";
import {
  isPlainText,
  LINE_ENDS_HEAD,
  LINE_ENDS_TAIL,
  writeTextLiteral,
} from "./write-text-literal.ts";
import { ROW_SEPARATOR } from "../../sqlite/page-query.ts";

const QUOTE = 0x27;
const COMMA = 0x2c;
const CLOSE = 0x29;
const LETTER_C = 0x43;
const LETTER_X = 0x58;
const LETTER_R = 0x72;

/**
 * Returns the offset after the literal that starts at `start`, in text made of `literalSql` and
 * commas.
 */
function endOfLiteral(bytes: Uint8Array, start: number): number {
  const first = bytes[start];
  if (first === LETTER_R) {
    return endOfLiteral(bytes, start + LINE_ENDS_HEAD.length) + LINE_ENDS_TAIL.length;
  }
  if (first === QUOTE) {
    let at = start + 1;
    for (;;) {
      const quote = bytes.indexOf(QUOTE, at);
      assert(quote >= 0, "a text literal has no end");
      if (bytes[quote + 1] !== QUOTE) return quote + 1;
      at = quote + 2;
    }
  }
  if (first === LETTER_X) return bytes.indexOf(QUOTE, start + 2) + 1;
  if (first === LETTER_C) return bytes.indexOf(CLOSE, start) + 1;
  let at = start;
  while (at < bytes.length && bytes[at] !== COMMA && bytes[at] !== CLOSE) at += 1;
  return at;
}

/**
 * Returns the cells of one row's text: literals joined by commas, as bytes that may not be UTF-8.
 */
export function parseCellLiterals(row: Uint8Array): Cell[] {
  const cells: Cell[] = [];
  let at = 0;
  while (at < row.length) {
    const end = endOfLiteral(row, at);
    cells.push(parseCell(row.subarray(at, end)));
    at = end + 1;
  }
  return cells;
}

function parseCell(literal: Uint8Array): Cell {
  const first = literal[0];
  if (first === QUOTE) return { type: "text", bytes: unquote(literal) };
  if (first === LETTER_R) {
    const quoted = literal.subarray(LINE_ENDS_HEAD.length, -LINE_ENDS_TAIL.length);
    const lines = decodeUtf8(unquote(quoted));
    return { type: "text", bytes: encodeUtf8(lines.replaceAll("\n", "\r\n")) };
  }
  if (first === LETTER_X) return { type: "blob", bytes: bytesOfHex(literal, 2) };
  // CAST(X'…' AS TEXT)
  if (first === LETTER_C) return { type: "text", bytes: bytesOfHex(literal, 7) };
  return { type: "plain", literal: decodeUtf8(literal) };
}

function bytesOfHex(literal: Uint8Array, start: number): Uint8Array {
  const end = literal.indexOf(QUOTE, start);
  return fromHex(decodeUtf8(literal.subarray(start, end)));
}

function unquote(literal: Uint8Array): Uint8Array {
  const inner = literal.subarray(1, -1);
  const bytes = new Uint8Array(inner.length);
  let to = 0;
  let from = 0;
  while (from < inner.length) {
    const quote = inner.indexOf(QUOTE, from);
    const run = inner.subarray(from, quote < 0 ? inner.length : quote + 1);
    bytes.set(run, to);
    to += run.length;
    from += run.length + 1;
  }
  return bytes.subarray(0, to);
}

/**
 * Returns the page with every text literal that is not plain rewritten (see `isPlainText`).
 * `rowGap` is the whole text between two rows, in which `ROW_SEPARATOR` occurs once.
 */
export function mendTexts(page: Uint8Array, rowGap: Uint8Array): Uint8Array {
  assert(rowGap.includes(ROW_SEPARATOR), "the separator separates rows");
  const pieces: Uint8Array[] = [];
  let kept = 0;
  let at = 0;
  while (at < page.length) {
    const end = endOfLiteral(page, at);
    const literal = page.subarray(at, end);
    // Doubled quotes do not change whether a text is plain.
    if (page[at] === QUOTE && !isPlainText(literal)) {
      pieces.push(page.subarray(kept, at), encodeUtf8(writeTextLiteral(unquote(literal))));
      kept = end;
    }
    at = end + (page[end] === COMMA ? 1 : rowGap.length);
  }
  pieces.push(page.subarray(kept));
  return concatBytes(pieces);
}
