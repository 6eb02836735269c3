import type { Cell } from "../sqlite/cell.ts";
import type { Table } from "../sqlite/catalog.ts";
import type { CellSource } from "../sqlite/cell-query.ts";
import type { RowExpression } from "../sqlite/column-sql.ts";
import type { RawPage } from "../sqlite/page-query.ts";

/**
 * How a format writes one table's rows. The bytes depend only on the rows, never on where a page
 * ended. `state` is all that is remembered between two pages; an encoder created with it continues
 * where the last one stopped.
 */
export interface TableEncoder {
  /**
   * SQL expression of a row's text, over the table's columns. `rowBytes` is about how long rows
   * are, in bytes of text, or 0 if unknown. It selects the expression, but not its result.
   */
  rowSql(rowBytes: number): RowExpression;
  /** Bytes between two rows of a page, as hex digits. */
  readonly rowGapHex: string;
  /** Names of the columns whose cells `row` takes, in its order. */
  readonly cellColumns: readonly string[];
  /** How cells are read if the encoder masks columns; undefined reads them as they are. */
  readonly cellSource?: CellSource;
  /** SQL expression that writes the real of a cell, over its quoted column name. */
  readonly realSql: (name: string) => string;
  /** Non-negative; 0 before the first row. */
  readonly state: number;
  /** How many U+FFFD characters were written in place of bytes that are not UTF-8. */
  readonly replacements: number;
  /** Bytes of a page's rows. `page.bytes` may be written to and must not be used afterwards. */
  page(page: RawPage): Uint8Array[];
  /** Bytes of one row that was read cell by cell. */
  row(cells: Cell[]): Uint8Array[];
  /** Bytes after the last row. */
  end(): Uint8Array[];
}

/** Makes the encoder of a table. */
export type CreateEncoder = (table: Table, state: number) => TableEncoder;
