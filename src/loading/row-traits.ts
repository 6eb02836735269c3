import { lowerAscii } from "../lib/ascii-case.ts";
import { viewOf } from "../lib/bytes.ts";
import type { InsertRows } from "./classify-statement.ts";
import { countPlainRows } from "../sqlite/plain-rows.ts";
import type { ScriptStatement } from "../sqlite/statement-splitter.ts";
import { TokenReader } from "../sqlite/token-reader.ts";

/** What an INSERT contains after VALUES, in addition to plain values. */
export interface RowTraits {
  /** False if none of the other traits can be true, so nothing was examined closely. */
  hasSpecialWords: boolean;
  /** True if one of its queries reads a table. */
  readsRows: boolean;
  /** True for `last_insert_rowid()`: a value depends on the previous statement. */
  usesSession: boolean;
  /** True for `changes()` and `total_changes()`, whose values a restore changes. */
  countsChanges: boolean;
  /** True for ON CONFLICT and RETURNING. */
  hasTail: boolean;
  /** How many rows there are; undefined if they contain anything but literals. */
  rows?: number;
}

/** The traits of plain values. */
export const PLAIN_ROWS: RowTraits = {
  hasSpecialWords: false,
  readsRows: false,
  usesSession: false,
  countsChanges: false,
  hasTail: false,
};

/** Rows that contain none of these words, in a value or outside one, are plain. */
const WORDS = /select|conflict|returning|last_insert_rowid|changes|unistr/i;

/** Finds what an INSERT contains after its table and columns; otherwise as `findRowTraits`. */
export function findInsertTraits(
  { bytes, start, plain }: Pick<ScriptStatement, "bytes" | "start" | "plain">,
  { rowsAt, hasValues }: Pick<InsertRows, "rowsAt" | "hasValues">,
  ownTables: ReadonlySet<string>,
): RowTraits {
  const at = start + rowsAt;
  const rows = hasValues ? (plain?.rows ?? countPlainRows(bytes, at + "VALUES".length)) : undefined;
  return rows === undefined ? findRowTraits(bytes, at, ownTables) : { ...PLAIN_ROWS, rows };
}

/**
 * Finds the traits of an INSERT's rows, which start at `rowsAt`. `ownTables` (in lower case) are the tables in
 * which a dump assembles long rows: reading those does not count.
 */
export function findRowTraits(
  bytes: Uint8Array,
  rowsAt: number,
  ownTables: ReadonlySet<string>,
): RowTraits {
  // One byte per character is enough, since all words are ASCII.
  if (!WORDS.test(viewOf(bytes).toString("latin1", rowsAt))) return PLAIN_ROWS;
  const traits = { ...PLAIN_ROWS, hasSpecialWords: true };
  const tokens = new TokenReader(bytes, rowsAt);
  let before = "";
  for (let token = tokens.next(); token !== undefined; token = tokens.next()) {
    const isCall = tokens.is(token, "(");
    if (isCall && before === "LAST_INSERT_ROWID") traits.usesSession = true;
    if (isCall && /^(?:TOTAL_)?CHANGES$/.test(before)) traits.countsChanges = true;
    if (before === "FROM" && !isCall && !ownTables.has(lowerAscii(tokens.name(token)))) {
      traits.readsRows = true;
    }
    before = tokens.word(token);
    if (before === "JOIN") traits.readsRows = true;
    if (before === "CONFLICT" || before === "RETURNING") traits.hasTail = true;
  }
  return traits;
}
