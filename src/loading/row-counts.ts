import { lowerAscii } from "../lib/ascii-case.ts";
import { viewOf } from "../lib/bytes.ts";
import { findTokenEnd, skipPlain } from "../sqlite/sql-tokens.ts";

/** A table and the rows that a script inserts into it. */
export interface CountedRows {
  name: string;
  rows: number;
}

/** Counts the rows that a script inserts into each table, as long as nothing else can change them. */
export class RowCounts {
  /** By name in lower case; null if they cannot be counted from the script. */
  readonly #rows = new Map<string, number | null>();
  #isLost = false;

  /** Counts a new table without rows. */
  create(table: string): void {
    this.#rows.set(lowerAscii(table), 0);
  }

  /** Counts the rows of an `INSERT … VALUES`. */
  add(table: string, rows: number): void {
    const name = lowerAscii(table);
    const known = this.#rows.get(name);
    if (known === undefined || known === null) return;
    this.#rows.set(name, known + rows);
  }

  /** Forgets a table of which a statement changes rows in another way. */
  forget(table: string): void {
    this.#rows.set(lowerAscii(table), null);
  }

  /** Forgets all tables: a statement may change any row. */
  forgetAll(): void {
    this.#isLost = true;
  }

  /** Returns the counted ones of `tables`. */
  list(tables: Iterable<{ name: string }>): CountedRows[] {
    if (this.#isLost) return [];
    return [...tables].flatMap(({ name }) => {
      const rows = this.#rows.get(lowerAscii(name));
      return rows === undefined || rows === null ? [] : [{ name, rows }];
    });
  }
}

const OPEN = 0x28;
const CLOSE = 0x29;
const SEMICOLON = 0x3b;

/** Counts the rows of an `INSERT … VALUES`, which stand in `text` from `rowsAt` on: parentheses that are in no others. */
export function countRows(text: Uint8Array, rowsAt: number): number {
  const bytes = viewOf(text);
  let [rows, depth, at] = [0, 0, rowsAt];
  while (at < bytes.length) {
    const end = skipPlain(bytes, at);
    for (let each = at; each < end; each += 1) {
      const byte = bytes[each];
      if (byte === OPEN) {
        if (depth === 0) rows += 1;
        depth += 1;
      } else if (byte === CLOSE) {
        depth -= 1;
      }
    }
    if (end === bytes.length || bytes[end] === SEMICOLON) break;
    const after = findTokenEnd(bytes, end);
    at = after < 0 ? bytes.length : after;
  }
  return rows;
}
