import { Buffer, isUtf8 } from "node:buffer";

import type { Cell } from "../model/cell.ts";
import type { Column } from "../model/catalog.ts";
import { decodeUtf8, toHex, viewOf } from "../lib/bytes.ts";
import { asciiUpper } from "../lib/ascii-case.ts";
import { quoteText } from "./identifier.ts";

/**
 * SQL expression that writes one column's value, whose SQL is `name`, as an SQL literal, exactly.
 *
 * `quote()` is exact for integers, reals (50,000 random doubles, November 2026), blobs and text,
 * but for two things: it stops at a NUL, and it drops the sign of -0.0, which only a column
 * without affinity can hold (elsewhere SQLite stores an integer 0). Text that is not valid UTF-8
 * or holds CR LF passes through as it is and is mended by `SqlEncoder`.
 */
export function literalSql(name: string, column: Column, strict: boolean): string {
  if (strict && column.affinity !== "text" && asciiUpper(column.type) !== "ANY") {
    return `quote(${name})`;
  }
  const text = `WHEN 'text' THEN iif(instr(${name}, char(0)), ${hexTextSql(name)}, quote(${name}))`;
  return `CASE typeof(${name}) ${text}${realSql(name, column)} ELSE quote(${name}) END`;
}

/**
 * The branch of a CASE over a value's type that writes reals, for columns in which `quote()` would
 * drop the sign of -0.0; "" for others.
 */
export function realSql(name: string, column: Column): string {
  return column.affinity === "blob"
    ? ` WHEN 'real' THEN iif(${name} = 0 AND atan2(${name}, -1) < 0, '-0.0', quote(${name}))`
    : "";
}

/**
 * As `literalSql`, faster for long text and slower for short: all of its searches and copies are the C
 * library's, many bytes at a time. `format()` stops at a NUL, GLOB looks for a quote; `instr()` and `quote()`
 * take byte after byte (SQL alone for 121 MB in texts of 5 KB: 0.33 s, so 0.10, November 2026).
 */
export function longLiteralSql(name: string, column: Column): string {
  const quoted = `'''' || iif(${name} GLOB '*''*', replace(${name}, '''', ''''''), ${name}) || ''''`;
  const text = `WHEN 'text' THEN iif(${holdsNulSql(name)}, ${hexTextSql(name)}, ${quoted})`;
  return `CASE typeof(${name}) ${text}${realSql(name, column)} ELSE quote(${name}) END`;
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
 * the `sqlite3` shell takes a CR before LF out of what it reads, string or not; else as hex digits.
 */
export function textLiteral(bytes: Uint8Array): string {
  if (isPlainText(bytes)) return quoteText(decodeUtf8(bytes));
  if (!bytes.includes(0) && isUtf8(bytes)) {
    const text = decodeUtf8(bytes);
    const lines = text.replaceAll("\r\n", "\n");
    if (!lines.includes("\r\n") && lines.replaceAll("\n", "\r\n") === text) {
      return `${LINE_ENDS_HEAD}${quoteText(lines)}${LINE_ENDS_TAIL}`;
    }
  }
  return `CAST(X'${hexOf(bytes)}' AS TEXT)`;
}

/** True for text that a quoted literal can carry: valid UTF-8 without NUL and CR LF. */
export function isPlainText(bytes: Uint8Array): boolean {
  return !bytes.includes(0) && !hasCrLf(bytes) && isUtf8(bytes);
}

const CR_LF = Buffer.from("\r\n");

/** True where a CR stands before a LF. */
export function hasCrLf(bytes: Uint8Array): boolean {
  return viewOf(bytes).includes(CR_LF);
}

/** Upper-case hex digits, as SQLite's own `hex()` writes them. */
export function hexOf(bytes: Uint8Array): string {
  return toHex(bytes).toUpperCase();
}
