import { Buffer, isUtf8 } from "node:buffer";

import { decodeUtf8, viewOf } from "../../lib/bytes.ts";
import type { Cell } from "../../sqlite/cell.ts";
import { quoteText } from "../../sqlite/identifier.ts";
import { toUpperHex } from "../../sqlite/literal.ts";

/** SQL literal of a cell; the same text that `literalSql` and `SqlEncoder` give for it. */
export function writeCellLiteral(cell: Cell): string {
  if (cell.type === "plain") return cell.literal;
  return cell.type === "blob" ? `X'${toUpperHex(cell.bytes)}'` : writeTextLiteral(cell.bytes);
}

/** What turns the line feeds of a literal into the CR LF that they were. */
export const LINE_ENDS_HEAD = "replace(";
export const LINE_ENDS_TAIL = ",char(10),char(13,10))";

/**
 * SQL literal of text. Quoted where it can be; text whose lines end in CR LF as that with LF, since
 * the `sqlite3` shell takes a CR before LF out of what it reads, string or not; else as hex digits, in which
 * no loader finds words to replace.
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

/** True for text that a quoted literal can carry: valid UTF-8 without NUL, and nothing that a loader changes. */
export function isPlainText(bytes: Uint8Array): boolean {
  return !bytes.includes(0) && !isChangedByLoaders(bytes) && isUtf8(bytes);
}

const CR_LF = Buffer.from("\r\n");
const TRANSACTION_WORDS = ["BEGIN TRANSACTION", "COMMIT;"].map((words) => Buffer.from(words));

/** True if SQL with these bytes in a string is changed or refused by a loader that the docs name. */
export function isChangedByLoaders(bytes: Uint8Array): boolean {
  return viewOf(bytes).includes(CR_LF) || holdsTransactionWords(bytes);
}

/**
 * True if `wrangler d1 execute --local --file` would delete part of the bytes, or refuse the file. It removes the
 * first `BEGIN TRANSACTION;` and `COMMIT;` of a file, in strings too, and refuses a second one (4.164.0).
 */
export function holdsTransactionWords(bytes: Uint8Array): boolean {
  const view = viewOf(bytes);
  return TRANSACTION_WORDS.some((words) => view.includes(words));
}
