import type { EncoderState } from "../rpc/cursor.ts";
import type { Cell } from "../sqlite/cell.ts";
import type { Table } from "../sqlite/catalog.ts";
import type { CellSource } from "../sqlite/cell-query.ts";
import type { RowExpression } from "../sqlite/column-sql.ts";
import type { RawPage } from "../sqlite/page-query.ts";

/**
 * How a format writes one table's rows. The bytes depend only on the rows, never on where a page
 * ended. `state` is all that is remembered between two pages; an encoder created with it continues
 * where the last one stopped. A format that writes rows in groups may end them where
 * pages end; then only the rows of the whole file do not depend on pages.
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
  /** 0, or as long as the list of columns. */
  readonly state: EncoderState;
  /**
   * True while rows are held because their group is not complete: no position after them can be resumed from.
   * Undefined in formats that never hold rows.
   */
  readonly holdsRows?: boolean;
  /** How many U+FFFD characters were written in place of bytes that are not UTF-8. */
  readonly replacements: number;
  /**
   * Bytes of a page's rows, which may be used until the next call. `page.bytes` may be written to and must not be used
   * afterwards.
   */
  page(page: RawPage): Uint8Array[] | Promise<Uint8Array[]>;
  /** Bytes of one row that was read cell by cell. */
  row(cells: Cell[]): Uint8Array[] | Promise<Uint8Array[]>;
  /** Bytes of held rows, and after the last row. `notes` are all that were taken, in order. */
  end(notes: readonly string[]): Uint8Array[] | Promise<Uint8Array[]>;
  /** Returns what `end` must know of the bytes since the last call; undefined in formats that need nothing. */
  takeNotes?(): string[];
  /** Returns what the reader of the dump must know of the rows since the last call, one sentence each. */
  takeWarnings?(): string[];
}

/** Makes the encoder of a table. */
export type CreateEncoder = (table: Table, state: EncoderState) => TableEncoder;
