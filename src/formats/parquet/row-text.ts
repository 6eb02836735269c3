import { isUtf8 } from "node:buffer";

import { viewOf } from "../../lib/bytes.ts";
import { listStoredColumns, type Column, type Table } from "../../sqlite/catalog.ts";
import type { ColumnSql, RowExpression } from "../../sqlite/column-sql.ts";
import { realSql } from "../../sqlite/literal.ts";
import { nestConcat } from "../../sqlite/nest-concat.ts";
import type { RawPage } from "../../sqlite/page-query.ts";
import type { ColumnValues } from "./column-values.ts";

/** The byte between two rows, as hex digits. It ends the last value of a row like the comma after any other. */
export const ROW_GAP_HEX = "0a";

/**
 * SQL of a row's text: a letter for each value's kind, and then the value. A text or BLOB follows its length, so its
 * bytes need no escape. Any other value ends at the next comma or row.
 */
export function buildRowSql(table: Table): RowExpression {
  const columns = listStoredColumns(table);
  return (sqlOf: ColumnSql) =>
    nestConcat(columns.map((column) => valueSql(sqlOf(column.name), column, table)));
}

function valueSql(name: string, column: Column, table: Table): string {
  if (column.name === table.integerPrimaryKey) return `'i' || ${name}`;
  const real = realSql(name, column, table).replace(" WHEN 'real' THEN ", "") || `quote(${name})`;
  const counted = `octet_length(${name}) || ':' || ${name}`;
  return (
    `CASE typeof(${name}) WHEN 'integer' THEN 'i' || ${name} WHEN 'text' THEN 't' || ${counted} ` +
    `WHEN 'null' THEN 'n' WHEN 'blob' THEN 'b' || ${counted} ELSE 'r' || ${real} END`
  );
}

/** How many digits a number of JavaScript always holds. */
const SAFE_DIGITS = 15;

const ZERO = 0x30;
const POINT = 0x2e;
const MINUS = 0x2d;
const COLON = 0x3a;

/** Powers of ten that are exact, so a division by one is rounded only once. */
const POWERS = Array.from({ length: 23 }, (_, exponent) => 10 ** exponent);

/** Adds the values of a page, which `buildRowSql` wrote, to their columns. */
export function parseRows({ bytes, rows }: RawPage, columns: readonly ColumnValues[]): void {
  const isValid = isUtf8(bytes);
  let at = 0;
  for (let row = 0; row < rows; row += 1) {
    for (const column of columns) {
      const kind = bytes[at];
      at += 1;
      switch (kind) {
        case 0x6e:
          column.addNull();
          break;
        case 0x69:
          at = parseInteger(bytes, at, column);
          break;
        case 0x72:
          at = parseReal(bytes, at, column);
          break;
        default: {
          let count = 0;
          for (; bytes[at] !== COLON; at += 1) count = count * 10 + (bytes[at] as number) - ZERO;
          const start = at + 1;
          at = start + count;
          if (kind === 0x74) column.addText(bytes, start, at, isValid);
          else column.addBlob(bytes, start, at);
        }
      }
      at += 1;
    }
  }
}

/** Returns the end of the integer that starts at `start`. */
function parseInteger(bytes: Uint8Array, start: number, column: ColumnValues): number {
  const isNegative = bytes[start] === MINUS;
  let at = isNegative ? start + 1 : start;
  let integer = 0;
  for (let digit = digitAt(bytes, at); digit >= 0; digit = digitAt(bytes, at)) {
    integer = integer * 10 + digit;
    at += 1;
  }
  if (at - start <= SAFE_DIGITS) column.addInteger(isNegative ? -integer : integer);
  else column.addBigInt(BigInt(textOf(bytes, start, at)));
  return at;
}

/** Returns the end of the real that starts at `start`. */
function parseReal(bytes: Uint8Array, start: number, column: ColumnValues): number {
  const isNegative = bytes[start] === MINUS;
  let at = isNegative ? start + 1 : start;
  let digits = 0;
  let point = -1;
  for (; ; at += 1) {
    const digit = digitAt(bytes, at);
    if (digit >= 0) digits = digits * 10 + digit;
    else if (bytes[at] === POINT) point = at;
    else break;
  }
  const decimals = at - point - 1;
  if (isEnd(bytes[at]) && point > 0 && at - start <= SAFE_DIGITS && decimals < POWERS.length) {
    const real = digits / (POWERS[decimals] as number);
    column.addReal(isNegative ? -real : real);
    return at;
  }
  while (!isEnd(bytes[at])) at += 1;
  column.addReal(Number(textOf(bytes, start, at)));
  return at;
}

function digitAt(bytes: Uint8Array, at: number): number {
  const digit = (bytes[at] ?? 0) - ZERO;
  return digit <= 9 ? digit : -1;
}

function isEnd(byte: number | undefined): boolean {
  return byte === 0x2c || byte === 0x0a || byte === undefined;
}

function textOf(bytes: Uint8Array, start: number, end: number): string {
  return viewOf(bytes).toString("latin1", start, end);
}
