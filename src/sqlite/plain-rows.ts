import type { Buffer } from "node:buffer";

import { viewOf } from "../lib/bytes.ts";
import { countLines } from "./sql-tokens.ts";

/** What a byte may be outside the strings of plain rows; 0 for any other. */
const LITERAL = 1;
const OPEN = 2;
const CLOSE = 3;
const STRING = 4;
const MINUS = 5;
const SEMICOLON = 6;
const LINE_END = 7;

const SPACE = 0x20;
const QUOTE = 0x27;
const PARENTHESIS = 0x28;
const LINE_FEED = 0x0a;
const DASH = 0x2d;

/** Numbers, NULL, the X of a BLOB and white space: from these letters, no other word of SQL can be made. */
const CLASSES = Uint8Array.from({ length: 256 }, (_, byte) => {
  const char = String.fromCharCode(byte);
  const at = "()'-;\n".indexOf(char);
  if (at >= 0) return OPEN + at;
  return /[0-9.+,eExXnNuUlL\t-\r ]/.test(char) ? LITERAL : 0;
});

/** How many bytes of a string are searched for its end before native code does it, which costs two calls. */
const NEAR_BYTES = 512;

/** True if `head`, which ends with VALUES, stands at `start`, and that word ends there. */
export function beginsRows(bytes: Uint8Array, start: number, head: Uint8Array): boolean {
  const end = start + head.length;
  const next = bytes[end];
  if (next !== PARENTHESIS && next !== LINE_FEED && next !== SPACE) return false;
  for (let at = 0; at < head.length; at += 1) if (bytes[start + at] !== head[at]) return false;
  return true;
}

/** What `PlainRows.read` returns if the rows continue after the bytes that it got. */
export const CONTINUES = 0;

/** What `PlainRows.read` returns if there is anything but literals. */
export const NOT_PLAIN = -1;

/**
 * Reads the rows of an INSERT up to the semicolon that ends it, as long as they contain only literals. One pass finds
 * the end and counts rows and lines, since nearly all of a script's bytes are such rows.
 */
export class PlainRows {
  /** How many there are, as far as they were read. */
  rows = 0;
  /** Line feeds, as far as they were read. */
  lines = 0;
  /** The next byte. */
  #at: number;
  #isInRow = false;
  #isInString = false;

  /** The rows start at `at`, which is after VALUES. */
  constructor(at: number) {
    this.#at = at;
  }

  /** Continues in other memory, in which the same bytes stand so many bytes later. */
  moveBy(bytes: number): void {
    this.#at += bytes;
  }

  /** False within a row. */
  get isBetweenRows(): boolean {
    return !this.#isInRow;
  }

  /**
   * Reads on, and returns the position after the semicolon. Returns `CONTINUES` if `text` ends before it: the next call
   * gets the same bytes and more. Returns `NOT_PLAIN` if there is anything but literals: an expression, a comment, a
   * quoted name, something after the rows.
   */
  read(text: Buffer): number {
    const { length } = text;
    let at = this.#isInString ? this.#passString(text, this.#at) : this.#at;
    // Fields would be slower.
    let isInRow = this.#isInRow;
    let [rows, lines] = [0, 0];
    while (at < length) {
      while (at < length && CLASSES[text[at] as number] === LITERAL) at += 1;
      if (at === length) break;
      const kind = CLASSES[text[at] as number];
      at += 1;
      if (kind === STRING) {
        if (!isInRow) return NOT_PLAIN;
        const near = Math.min(length, at + NEAR_BYTES);
        let byte = 0;
        while (byte !== QUOTE) {
          // Nearly all bytes of texts are greater.
          while (at < near && (byte = text[at] as number) > QUOTE) at += 1;
          if (at === near) break;
          at += 1;
          if (byte === LINE_FEED) lines += 1;
        }
        if (byte !== QUOTE) at = this.#passString(text, at);
      } else if (kind === LINE_END) {
        lines += 1;
      } else if (kind === OPEN && !isInRow) {
        isInRow = true;
        rows += 1;
      } else if (kind === CLOSE && isInRow) {
        isInRow = false;
      } else if (kind === SEMICOLON && !isInRow) {
        this.#add(rows, lines);
        return at;
      } else if (kind !== MINUS || text[at - 2] === DASH) {
        // Two of them begin a comment.
        return NOT_PLAIN;
      }
    }
    this.#add(rows, lines);
    this.#at = at;
    this.#isInRow = isInRow;
    return CONTINUES;
  }

  #add(rows: number, lines: number): void {
    this.rows += rows;
    this.lines += lines;
  }

  /** Returns the position after a string's end, or after `text` if the string continues. */
  #passString(text: Buffer, at: number): number {
    const end = text.indexOf(QUOTE, at);
    this.#isInString = end < 0;
    this.lines += countLines(text, at, end < 0 ? text.length : end);
    return end < 0 ? text.length : end + 1;
  }
}

/**
 * Counts the rows of an INSERT if they contain only literals: `text` from `at` on, which is after VALUES. Returns
 * undefined if there is anything else, or something after the rows.
 */
export function countPlainRows(text: Uint8Array, at: number): number | undefined {
  const rows = new PlainRows(at);
  const end = rows.read(viewOf(text));
  const isWhole = end === CONTINUES ? rows.isBetweenRows : end === text.length;
  return isWhole ? rows.rows : undefined;
}
