import type { Table } from "../sqlite/catalog.ts";
import { type Statement } from "../sqlite/page-query.ts";
import { selectLiveRows, type RowSelect } from "../sqlite/row-select.ts";
import type { Source, SourceResult } from "../databases/source.ts";

/** What is known of a table's size before it is read. */
export interface TableExtent {
  /** The last key of the rows to be read; only for a table with one integer key. */
  lastKey?: bigint;
  /** The most rows that it has. */
  rowsMax?: number;
  /** The length of its text, of a table that is kept as one page. */
  bytes?: number;
}

/** All rows of a table as text that was made before. */
export interface KeptPage {
  /** For `parsePage`: the text and the number of rows. */
  row: SourceResult["rows"][number];
  rowsRead: number;
  /** False if an earlier call had already requested it. */
  isRequested: boolean;
}

/**
 * Reads tables as they were at one instant, or as they are: its creator decides. The job's `usage`
 * contains what a reader counts of the source's work.
 */
export interface TableReader {
  /** The source's value. */
  readonly longRowsPageBytes: number;
  /** What is known of a table's size, without any request. Default: nothing. */
  extent?(table: Table): TableExtent;
  /**
   * Returns what reads a table that is kept as one page, in the text of the dump's own encoder; undefined for other
   * tables. Default: there are none.
   */
  keptPage?(table: Table): (() => Promise<KeptPage>) | undefined;
  /** Runs the statements that `build` makes over a table's rows, all in one turn of the source. */
  readRows(table: Table, build: (rows: RowSelect) => Statement[]): Promise<SourceResult[]>;
  /**
   * Runs a statement over something other than an ordinary table: sequences and a module's own
   * tables.
   */
  readOther(statement: Statement): Promise<SourceResult>;
}

/** Reads the tables in their current state at each page. */
export function openLiveReader(source: Source): TableReader {
  return {
    longRowsPageBytes: source.longRowsPageBytes,
    readRows: async (table, build) => {
      const statements = build(selectLiveRows(table));
      const [only] = statements;
      return statements.length === 1 && only !== undefined
        ? [await source.query(only)]
        : source.transaction(statements);
    },
    readOther: (statement) => source.query(statement),
  };
}
