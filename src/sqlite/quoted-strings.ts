import { lowerAscii, upperAscii } from "../lib/ascii-case.ts";
import type { Table } from "./catalog.ts";
import { parseIdentifier, type SqlToken } from "./sql-tokens.ts";

/** Names that a table has in addition to its columns' names. */
const ROWID_NAMES = ["rowid", "_rowid_", "oid"];

/** Returns the names of a table's columns and of its rowid, in folded case. */
export function columnNames({ columns }: Table): ReadonlySet<string> {
  return new Set([...columns.map(({ name }) => lowerAscii(name)), ...ROWID_NAMES]);
}

/**
 * True if the token at `at` is in double quotes and names nothing, so that SQLite treats it as a
 * string.
 */
export function isStringInQuotes(
  tokens: readonly SqlToken[],
  at: number,
  columns: ReadonlySet<string>,
): boolean {
  const token = tokens[at];
  if (token?.text.startsWith('"') !== true) return false;
  const before = upperAscii(tokens[at - 1]?.text ?? "");
  const after = tokens[at + 1]?.text;
  // The name of a collation, a type, a table or a function.
  const isOtherName =
    before === "COLLATE" || before === "AS" || after === "." || (after === "(" && before !== "IN");
  return !isOtherName && !columns.has(lowerAscii(parseIdentifier(token)));
}
