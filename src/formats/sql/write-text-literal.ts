import { Buffer, isUtf8 } from "node:buffer";

import { decodeUtf8, viewOf } from "../../lib/bytes.ts";
import type { Cell } from "../../sqlite/cell.ts";
import { quoteText } from "../../sqlite/identifier.ts";
import { toUpperHex } from "../../sqlite/literal.ts";

/** Returns the SQL literal of a cell; the same text that `literalSql` and `SqlEncoder` write. */
export function writeCellLiteral(cell: Cell): string {
  if (cell.type === "plain") return cell.literal;
  return cell.type === "blob" ? `X'${toUpperHex(cell.bytes)}'` : writeTextLiteral(cell.bytes);
}

/** The start of the expression that turns a literal's line feeds back into CR LF. */
export const LINE_ENDS_HEAD = "replace(";
export const LINE_ENDS_TAIL = ",char(10),char(13,10))";

/**
 * Returns the SQL literal of text, in quotes if possible. Text whose lines end in CR LF is quoted
 * with LF, since the `sqlite3` shell removes a CR before LF from its input, even in strings. Other
 * text becomes hex digits, in which no loader finds words to replace.
 */
export function writeTextLiteral(bytes: Uint8Array): string {
  if (isPlainText(bytes)) return quoteText(decodeUtf8(bytes));
  if (!bytes.includes(0) && isUtf8(bytes) && !holdsTransactionWords(bytes)) {
    const text = decodeUtf8(bytes);
    const lines = text.replaceAll("\r\n", "\n");
    if (!lines.includes("\r\n") && lines.replaceAll("\n", "\r\n") === text) {
      return `${LINE_ENDS_HEAD}${quoteText(lines)}${LINE_ENDS_TAIL}`;
    }
  }
  return `CAST(X'${toUpperHex(bytes)}' AS TEXT)`;
}

/**
 * True for text that a quoted literal can contain: valid UTF-8 without NUL, and nothing that a
 * loader changes.
 */
export function isPlainText(bytes: Uint8Array): boolean {
  return !bytes.includes(0) && !isChangedByLoaders(bytes) && isUtf8(bytes);
}

const CR_LF = Buffer.from("\r\n");
const TRANSACTION_WORDS = ["BEGIN TRANSACTION", "COMMIT;"].map((words) => Buffer.from(words));

/** True if a loader named in the docs changes or refuses SQL with these bytes in a string. */
export function isChangedByLoaders(bytes: Uint8Array): boolean {
  return viewOf(bytes).includes(CR_LF) || holdsTransactionWords(bytes);
}

/**
 * True if `wrangler d1 execute --local --file` would delete part of the bytes, or refuse the file.
 * It removes the first `BEGIN TRANSACTION;` and `COMMIT;` of a file, even in strings, and refuses a
 * second one (4.164.0).
 */
export function holdsTransactionWords(bytes: Uint8Array): boolean {
  const view = viewOf(bytes);
  return TRANSACTION_WORDS.some((words) => view.includes(words));
}
