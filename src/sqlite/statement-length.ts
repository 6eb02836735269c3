import { Buffer } from "node:buffer";

import { STATEMENT_BYTES_MAX } from "../api/limits.ts";
import { quoteIdentifier } from "./identifier.ts";

/**
 * The length of the SQL that D1's source adds to a query, in bytes: for each column of the result,
 * and once.
 */
const WRAPPER_BYTES_A_COLUMN = 140;
const WRAPPER_BYTES = 300;

/** Thrown for a query that the customer's names make longer than a source accepts. */
export class StatementTooLong extends Error {}

/**
 * True if every source can run the statement with any wrapper that it adds. `columns` is the number
 * of columns in the result.
 */
export function fitsStatement({ sql, columns = 0 }: { sql: string; columns?: number }): boolean {
  const wrapper = WRAPPER_BYTES + columns * WRAPPER_BYTES_A_COLUMN;
  return Buffer.byteLength(sql) + wrapper <= STATEMENT_BYTES_MAX;
}

/**
 * Returns the statements that `build` makes from groups of `terms`, as few as their lengths allow.
 * A statement with only one term is returned even if it is too long.
 */
export function splitByLength<Term, Built extends { sql: string; columns?: number }>(
  terms: readonly Term[],
  build: (group: readonly Term[]) => Built,
): Built[] {
  const whole = build(terms);
  if (terms.length <= 1 || fitsStatement(whole)) return [whole];
  const half = terms.length >> 1;
  return [
    ...splitByLength(terms.slice(0, half), build),
    ...splitByLength(terms.slice(half), build),
  ];
}

/** The most characters of a name in an error message. */
const SHOWN_CHARS_MAX = 100;

/**
 * Returns `name` in quotes, as an error message shows it: a long name is cut and followed by its
 * length.
 */
export function shortenName(name: string): string {
  if (name.length <= SHOWN_CHARS_MAX) return quoteIdentifier(name);
  const start = name.slice(0, SHOWN_CHARS_MAX).toWellFormed();
  return `${quoteIdentifier(start)}… (${Buffer.byteLength(name)} bytes)`;
}
