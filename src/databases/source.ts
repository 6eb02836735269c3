import { LONG_ROWS_PAGE_BYTES } from "../api/limits.ts";

/** A value as it crosses the port. Integers beyond 2^53 lose digits: let SQLite make text of them. */
export type SourceValue = ArrayBuffer | string | number | null;

export interface SourceStatement {
  sql: string;
  /** At most 100. Numbers bind as REAL: bind text and CAST where an integer is meant. */
  params?: SourceValue[];
  /**
   * How many columns the result has, of a single SELECT without a semicolon at its end. D1 needs
   * to know it to carry BLOBs fast, and to tell apart columns of one name within a transaction; the
   * result's `columns` may then have other names, and a value may be half as long. Elsewhere it
   * changes nothing.
   */
  columns?: number;
}

export interface SourceResult {
  /** Names; none where D1 gives no row in a transaction. */
  columns: string[];
  rows: SourceValue[][];
  /** As the runtime bills them. */
  rowsRead: number;
  rowsWritten: number;
  /** Size of the whole database after the statement, in bytes; undefined if the source does not report it. */
  databaseBytes?: number;
}

/** What a kind of database can do. Callers ask for these, and never which kind it is. */
export interface SourceAbilities {
  /**
   * How many bytes of text a page of long rows asks for: at most what one value of an answer can hold. Default:
   * `LONG_ROWS_PAGE_BYTES`. Consequence: a smaller number makes more pages of long rows.
   */
  readonly longRowsPageBytes: number;
  /**
   * How many bytes of values one turn can answer. Default: no limit of its own, since jobs and streams have
   * theirs. Consequence: a database that holds more is read page by page, as of a snapshot.
   */
  readonly oneTurnBytesMax: number;
  /**
   * True if the table `_cf_KV` of the database holds entries of its owner. Default: true. Consequence: an export
   * that lacks them warns; if this is false it never does.
   */
  readonly hasKeyValues: boolean;
}

/** The abilities of a database without peculiarities; an adapter states where its kind differs. */
export const DEFAULT_ABILITIES: SourceAbilities = {
  longRowsPageBytes: LONG_ROWS_PAGE_BYTES,
  oneTurnBytesMax: Number.POSITIVE_INFINITY,
  hasKeyValues: true,
};

/**
 * A customer's database. Any class with these two calls can be exported.
 *
 * A statement's text may hold several statements and at most 100,000 bytes. Errors: the source's
 * own SQL errors arrive as `ExportError("source-query-failed")` with SQLite's message, a query that
 * takes too long as `source-timeout`, everything else (overload, network, an object that was reset)
 * as `source-unavailable`.
 */
export interface Source extends SourceAbilities {
  /** Runs one statement in a turn of its own. */
  query(statement: SourceStatement): Promise<SourceResult>;
  /**
   * Runs all statements in one turn, so that nobody else's write falls between them. Callers must not rely on a
   * rollback if one fails: a Durable Object of this package's classes and D1 roll back, and one of StarbaseDB's
   * class does not.
   */
  transaction(statements: SourceStatement[]): Promise<SourceResult[]>;
}
