import { lowerAscii } from "../lib/ascii-case.ts";
import { viewOf } from "../lib/bytes.ts";
import { findTokenEnd, skipPlain } from "../sqlite/sql-tokens.ts";

/** A table and the rows that a script inserts into it. */
export interface CountedRows {
  name: string;
  rows: number;
}

/** Counts the rows that a script inserts into each table, unless something else may change them. */
export class RowCounts {
  /** By name in lower case; null if the script does not show how many there are. */
  readonly #rows = new Map<string, number | null>();
  #isLost = false;

  /** Starts counting a new table, which has no rows. */
  create(table: string): void {
    this.#rows.set(lowerAscii(table), 0);
  }

  /** Counts the rows of an `INSERT … VALUES` into a table, whose name is in lower case. */
  add(lowerTable: string, rows: number): void {
    const known = this.#rows.get(lowerTable);
    if (known === undefined || known === null) return;
    this.#rows.set(lowerTable, known + rows);
  }

  /** Stops counting a table whose rows a statement changes in another way. */
  forget(table: string): void {
    this.#rows.set(lowerAscii(table), null);
  }

  /** Stops counting all tables, because a statement may change any row. */
  forgetAll(): void {
    this.#isLost = true;
  }

  /** Returns those of `tables` that could be counted. */
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

/** Counts the rows of an `INSERT … VALUES`, which start at `rowsAt` in `text`: the outermost parentheses. */
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
