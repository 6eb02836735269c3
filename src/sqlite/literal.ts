import { Buffer, isUtf8 } from "node:buffer";

import type { Cell } from "./cell.ts";
import type { Column, Table } from "./catalog.ts";
import { decodeUtf8, toHex, viewOf } from "../lib/bytes.ts";
import { quoteText } from "./identifier.ts";
import { exactRealSql } from "./real-literal.ts";

/**
 * SQL expression that writes a value of any type as an SQL literal, exactly. Text that is not plain (see
 * `isPlainText`) passes through as it is and is mended by `SqlEncoder`.
 *
 * `quote()` is exact for integers and BLOBs, and for text without NUL, at which it stops. Reals need more: see
 * `exactRealSql`.
 */
export function literalSql(name: string, holdsReals = true): string {
  const text = `iif(instr(${name}, char(0)), ${hexTextSql(name)}, quote(${name}))`;
  return typedLiteralSql(name, text, holdsReals);
}

/**
 * As `literalSql`, faster for long text and slower for short: all of its searches and copies are the C
 * library's, many bytes at a time. `format()` stops at a NUL, GLOB looks for a quote; `instr()` and `quote()`
 * take byte after byte (SQL alone for 121 MB in texts of 5 KB: 0.33 s, so 0.10, November 2026).
 */
export function longLiteralSql(name: string, holdsReals = true): string {
  const quoted = `'''' || iif(${name} GLOB '*''*', replace(${name}, '''', ''''''), ${name}) || ''''`;
  const text = `iif(${holdsNulSql(name)}, ${hexTextSql(name)}, ${quoted})`;
  return typedLiteralSql(name, text, holdsReals);
}

function typedLiteralSql(name: string, text: string, holdsReals: boolean): string {
  const real = holdsReals ? ` WHEN 'real' THEN ${realLiteralSql(name)}` : "";
  return `CASE typeof(${name}) WHEN 'text' THEN ${text}${real} ELSE quote(${name}) END`;
}

/** SQL expression that writes a real as an SQL literal, exactly. */
export function realLiteralSql(name: string): string {
  return signedZeroSql(name, exactRealSql(name));
}

/** SQL expression of a real in the fewest digits that read as the same real, for formats other than SQL. */
export function shortestRealSql(name: string): string {
  return signedZeroSql(name, `quote(${name})`);
}

/** Only columns without affinity and those of modules hold -0.0: elsewhere SQLite stores an integer 0. */
function signedZeroSql(name: string, otherwise: string): string {
  return `iif(${name} = 0 AND atan2(${name}, -1) < 0, '-0.0', ${otherwise})`;
}

/**
 * The branch of a CASE over a value's type that writes reals, for columns in which `quote()` would
 * drop the sign of -0.0; "" for others.
 */
export function realSql(name: string, column: Column, table: Table): string {
  const holdsNegativeZero = column.affinity === "blob" || table.kind === "virtual";
  return holdsNegativeZero ? ` WHEN 'real' THEN ${shortestRealSql(name)}` : "";
}

/** True for long text that holds a NUL. */
export function holdsNulSql(name: string): string {
  return `octet_length(format('%s', ${name})) IS NOT octet_length(${name})`;
}

function hexTextSql(name: string): string {
  return `'CAST(X''' || hex(${name}) || ''' AS TEXT)'`;
}

/** SQL literal of a cell; the same text that `literalSql` and `SqlEncoder` give for it. */
export function cellLiteral(cell: Cell): string {
  if (cell.type === "plain") return cell.literal;
  return cell.type === "blob" ? `X'${hexOf(cell.bytes)}'` : textLiteral(cell.bytes);
}

/** What turns the line feeds of a literal into the CR LF that they were. */
export const LINE_ENDS_HEAD = "replace(";
export const LINE_ENDS_TAIL = ",char(10),char(13,10))";

/**
 * SQL literal of text. Quoted where it can be; text whose lines end in CR LF as that with LF, since
 * the `sqlite3` shell takes a CR before LF out of what it reads, string or not; else as hex digits, in which
 * no loader finds words to replace.
 */
export function textLiteral(bytes: Uint8Array): string {
  if (isPlainText(bytes)) return quoteText(decodeUtf8(bytes));
  if (!bytes.includes(0) && isUtf8(bytes) && !holdsTransactionWords(bytes)) {
    const text = decodeUtf8(bytes);
    const lines = text.replaceAll("\r\n", "\n");
    if (!lines.includes("\r\n") && lines.replaceAll("\n", "\r\n") === text) {
      return `${LINE_ENDS_HEAD}${quoteText(lines)}${LINE_ENDS_TAIL}`;
    }
  }
  return `CAST(X'${hexOf(bytes)}' AS TEXT)`;
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

/** Upper-case hex digits, as SQLite's own `hex()` writes them. */
export function hexOf(bytes: Uint8Array): string {
  return toHex(bytes).toUpperCase();
}
