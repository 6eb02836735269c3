import { ROW_SEPARATOR } from "./page-query.ts";

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const ONES = 0x01010101;
const HIGH_BITS = 0x80808080;
const CARRIAGE_RETURNS = ONES * CARRIAGE_RETURN;

/** Where the rows of a page end. */
export interface RowGaps {
  /** Places of the separators, in order. */
  gaps: number[];
  hasCarriageReturn: boolean;
}

/**
 * Turns every `ROW_SEPARATOR` into a line feed and tells where they stood. Four bytes are looked at at
 * a time: two thirds of the time of an `indexOf` for each separator and another one for carriage
 * returns (50 ms instead of 75 for 80 MB in rows of 108 bytes, November 2026).
 */
export function replaceSeparators(bytes: Uint8Array): RowGaps {
  const gaps: number[] = [];
  const words = wordsOf(bytes);
  const { length } = words;
  let returns = 0;
  for (let word = 0; word < length; word += 1) {
    const four = words[word] as number;
    returns |= zeroBytes(four ^ CARRIAGE_RETURNS);
    // A separator is a zero byte of the complement.
    if (zeroBytes(~four) === 0) continue;
    const end = (word << 2) + 4;
    for (let at = word << 2; at < end; at += 1) {
      if (bytes[at] === ROW_SEPARATOR) {
        bytes[at] = LINE_FEED;
        gaps.push(at);
      }
    }
  }
  const rest = length * 4;
  for (let at = rest; at < bytes.length; at += 1) {
    if (bytes[at] === ROW_SEPARATOR) {
      bytes[at] = LINE_FEED;
      gaps.push(at);
    }
  }
  return { gaps, hasCarriageReturn: returns !== 0 || bytes.includes(CARRIAGE_RETURN, rest) };
}

/** Not 0 where one of the four bytes is 0: https://graphics.stanford.edu/~seander/bithacks.html#ZeroInWord. */
function zeroBytes(four: number): number {
  return (four - ONES) & ~four & HIGH_BITS;
}

/** Whole words from the start; none where the bytes do not stand at a word's place. */
function wordsOf(bytes: Uint8Array): Int32Array {
  const isAligned = bytes.byteOffset % Int32Array.BYTES_PER_ELEMENT === 0;
  const length = isAligned ? Math.floor(bytes.length / Int32Array.BYTES_PER_ELEMENT) : 0;
  return isAligned ? new Int32Array(bytes.buffer, bytes.byteOffset, length) : new Int32Array();
}
