import { decodeUtf8, encodeUtf8, toHex } from "../../lib/bytes.ts";
import type { EncoderState } from "../../rpc/cursor.ts";
import type { Column, Table } from "../../sqlite/catalog.ts";
import { listStoredColumns } from "../../sqlite/catalog.ts";
import type { Cell } from "../../sqlite/cell.ts";
import type { ColumnSql, RowExpression } from "../../sqlite/column-sql.ts";
import { quoteText } from "../../sqlite/identifier.ts";
import { toUpperHex, realSql, shortestRealSql } from "../../sqlite/literal.ts";
import { nestConcat } from "../../sqlite/nest-concat.ts";
import type { RawPage } from "../../sqlite/page-query.ts";
import type { TableEncoder } from "../table-encoder.ts";
import { toValidUtf8 } from "../valid-utf8.ts";

/** The text around a table's objects, and between two of them. */
export interface JsonLayout {
  /** Before the first. */
  start: string;
  between: string;
  /** After the last. */
  end: string;
  /** The whole text if there are no objects. */
  empty: string;
}

/** One array of objects, each on a line of its own. */
export const JSON_ARRAY: JsonLayout = { start: "[\n", between: ",\n", end: "\n]\n", empty: "[]\n" };

/** One object per line. */
export const JSON_LINES: JsonLayout = { start: "", between: "\n", end: "\n", empty: "" };

/**
 * Writes rows as JSON objects, with columns in the table's order. Integers have all their digits,
 * and reals have as many as are needed to read the same value back (an infinity is 9.0e+999). A
 * BLOB is a string of upper-case hex digits. `state` is 1 after a row is written.
 */
export class JsonEncoder implements TableEncoder {
  readonly rowGapHex: string;
  readonly cellColumns: readonly string[];
  readonly realSql = shortestRealSql;
  state: number;
  replacements = 0;
  readonly #rowSql: RowExpression;
  readonly #layout: JsonLayout;

  constructor(table: Table, state: EncoderState, layout: JsonLayout) {
    const columns = listStoredColumns(table);
    this.state = Number(state);
    this.#layout = layout;
    this.rowGapHex = toHex(encodeUtf8(layout.between));
    this.cellColumns = columns.map((column) => column.name);
    const memberSql = (column: Column, sqlOf: ColumnSql): string => {
      const name = sqlOf(column.name);
      const value = column.name === table.integerPrimaryKey ? name : valueSql(name, column, table);
      return `${quoteText(writeKey(column.name))} || ${value}`;
    };
    this.#rowSql = (sqlOf) =>
      `'{' || ${nestConcat(columns.map((column) => memberSql(column, sqlOf)))} || '}'`;
  }

  rowSql(): RowExpression {
    return this.#rowSql;
  }

  page(page: RawPage): Uint8Array[] {
    return page.rows === 0 ? [] : [this.#lead(), this.#valid(page.bytes)];
  }

  row(cells: Cell[]): Uint8Array[] {
    const members = cells.map(
      (cell, at) => writeKey(this.cellColumns[at] ?? "") + this.#text(cell),
    );
    return [this.#lead(), encodeUtf8(`{${members.join(",")}}`)];
  }

  end(): Uint8Array[] {
    return [encodeUtf8(this.state === 0 ? this.#layout.empty : this.#layout.end)];
  }

  #lead(): Uint8Array {
    const text = this.state === 0 ? this.#layout.start : this.#layout.between;
    this.state = 1;
    return encodeUtf8(text);
  }

  /**
   * The same text as `valueSql` writes: SQLite and JSON.stringify escape the same characters the
   * same way.
   */
  #text(cell: Cell): string {
    if (cell.type === "plain") return cell.literal === "NULL" ? "null" : cell.literal;
    if (cell.type === "blob") return `"${toUpperHex(cell.bytes)}"`;
    return JSON.stringify(decodeUtf8(this.#valid(cell.bytes)));
  }

  #valid(bytes: Uint8Array): Uint8Array {
    const valid = toValidUtf8(bytes);
    this.replacements += valid.replacements;
    return valid.bytes;
  }
}

function writeKey(column: string): string {
  return `${JSON.stringify(column)}:`;
}

function valueSql(name: string, column: Column, table: Table): string {
  return (
    `CASE typeof(${name}) WHEN 'text' THEN json_quote(${name}) ` +
    `WHEN 'blob' THEN '"' || hex(${name}) || '"' WHEN 'null' THEN 'null'${realSql(name, column, table)} ` +
    `ELSE quote(${name}) END`
  );
}
