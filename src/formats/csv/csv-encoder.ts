import { encodeUtf8, toHex } from "../../lib/bytes.ts";
import type { Column, Table } from "../../sqlite/catalog.ts";
import { listStoredColumns } from "../../sqlite/catalog.ts";
import type { Cell } from "../../sqlite/cell.ts";
import type { ColumnSql, RowExpression } from "../../sqlite/column-sql.ts";
import { toUpperHex, holdsNulSql, realSql, shortestRealSql } from "../../sqlite/literal.ts";
import { nestConcat } from "../../sqlite/nest-concat.ts";
import type { RawPage } from "../../sqlite/page-query.ts";
import { chooseRowSql, type RowSql } from "../row-sql.ts";
import type { TableEncoder } from "../table-encoder.ts";
import { toValidUtf8 } from "../valid-utf8.ts";

/** RFC 4180's line end. */
const LINE_END = encodeUtf8("\r\n");

/**
 * Writes rows as lines of RFC 4180. NULL is an empty field without quotes. Text always has quotes,
 * and so do the upper-case hex digits of a BLOB; a number never has them. Integers have all their
 * digits, and reals have as many as are needed to read the same value back.
 */
export class CsvEncoder implements TableEncoder {
  readonly rowGapHex = toHex(LINE_END);
  readonly cellColumns: readonly string[];
  readonly realSql = shortestRealSql;
  /** Every row is complete in itself. */
  readonly state = 0;
  replacements = 0;
  readonly #rowSql: RowSql;

  constructor(table: Table) {
    const columns = listStoredColumns(table);
    this.cellColumns = columns.map((column) => column.name);
    const sqlWith =
      (doubled: (name: string) => string): RowExpression =>
      (sqlOf: ColumnSql) =>
        nestConcat(
          columns.map((column) =>
            column.name === table.integerPrimaryKey
              ? sqlOf(column.name)
              : fieldSql(sqlOf(column.name), { column, table, doubled }),
          ),
        );
    this.#rowSql = { usual: sqlWith(doubledSql), long: sqlWith(longDoubledSql) };
  }

  rowSql(rowBytes: number): RowExpression {
    return chooseRowSql(this.#rowSql, { columns: this.cellColumns.length, rowBytes });
  }

  page(page: RawPage): Uint8Array[] {
    return page.rows === 0 ? [] : [this.#valid(page.bytes), LINE_END];
  }

  row(cells: Cell[]): Uint8Array[] {
    const out: Uint8Array[] = [];
    for (const [at, cell] of cells.entries()) {
      if (at > 0) out.push(COMMA);
      if (cell.type === "plain") out.push(encodeUtf8(cell.literal === "NULL" ? "" : cell.literal));
      else if (cell.type === "blob") out.push(encodeUtf8(`"${toUpperHex(cell.bytes)}"`));
      else out.push(...quoted(this.#valid(cell.bytes)));
    }
    return [...out, LINE_END];
  }

  end(): Uint8Array[] {
    return [];
  }

  #valid(bytes: Uint8Array): Uint8Array {
    const valid = toValidUtf8(bytes);
    this.replacements += valid.replacements;
    return valid.bytes;
  }
}

/** SQL of a column's field, in which `doubled` writes each quote of a text twice. */
function fieldSql(
  name: string,
  { column, table, doubled }: { column: Column; table: Table; doubled: (name: string) => string },
): string {
  return (
    `CASE typeof(${name}) WHEN 'text' THEN '"' || ${doubled(name)} || '"' ` +
    `WHEN 'blob' THEN '"' || hex(${name}) || '"' WHEN 'null' THEN ''${realSql(name, column, table)} ` +
    `ELSE quote(${name}) END`
  );
}

function doubledSql(name: string): string {
  return `replace(${name}, '"', '""')`;
}

/** For long text: like `longLiteralSql`, except that NUL stays, after which GLOB finds no quote. */
function longDoubledSql(name: string): string {
  return `iif(${name} GLOB '*"*' OR ${holdsNulSql(name)}, ${doubledSql(name)}, ${name})`;
}

const COMMA = encodeUtf8(",");
const QUOTE = encodeUtf8('"');
const QUOTE_BYTE = 0x22;

/** Returns a field of text in pieces: the quote at the end of a piece is repeated in the next. */
function quoted(bytes: Uint8Array): Uint8Array[] {
  const out: Uint8Array[] = [QUOTE];
  let start = 0;
  for (let at = bytes.indexOf(QUOTE_BYTE); at >= 0; at = bytes.indexOf(QUOTE_BYTE, at + 1)) {
    out.push(bytes.subarray(start, at + 1), QUOTE);
    start = at + 1;
  }
  out.push(bytes.subarray(start), QUOTE);
  return out;
}

/** Returns the line that names the columns, every name in quotes. */
export function formatCsvHeader(table: Table): string {
  const names = listStoredColumns(table).map(({ name }) => `"${name.replaceAll('"', '""')}"`);
  return `${names.join(",")}\r\n`;
}
