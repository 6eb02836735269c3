import { Buffer } from "node:buffer";

import { STATEMENT_BYTES_MAX } from "../api/limits.ts";
import { quoteIdentifier } from "./identifier.ts";

/** What D1's source writes around a query, in bytes: for each column of the result, and once. */
const WRAPPER_BYTES_A_COLUMN = 140;
const WRAPPER_BYTES = 300;

/** A query of the customer's names is longer than a source runs it. */
export class StatementTooLong extends Error {}

/** True if every source runs the statement, however it wraps it. `columns` is how many the result has. */
export function fitsStatement({ sql, columns = 0 }: { sql: string; columns?: number }): boolean {
  const wrapper = WRAPPER_BYTES + columns * WRAPPER_BYTES_A_COLUMN;
  return Buffer.byteLength(sql) + wrapper <= STATEMENT_BYTES_MAX;
}

/**
 * The statements that `build` makes over groups of `terms`, as few as their lengths allow. A statement over
 * one term is returned even if it is too long.
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

/** Characters of a name in an error message. */
const SHOWN_CHARS_MAX = 100;

/** `name` in quotes, as an error message shows it: a long one is cut, with its length. */
export function shortenName(name: string): string {
  if (name.length <= SHOWN_CHARS_MAX) return quoteIdentifier(name);
  const start = name.slice(0, SHOWN_CHARS_MAX).toWellFormed();
  return `${quoteIdentifier(start)}… (${Buffer.byteLength(name)} bytes)`;
}
