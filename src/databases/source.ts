import { LONG_ROWS_PAGE_BYTES } from "../api/limits.ts";

/**
 * A value as it crosses the port. Integers beyond 2^53 lose digits: let SQLite convert them to
 * text.
 */
export type SourceValue = ArrayBuffer | string | number | null;

export interface SourceStatement {
  sql: string;
  /** At most 100. Numbers bind as REAL: for an integer, bind text and CAST it. */
  params?: SourceValue[];
  /**
   * How many columns the result has; only for a single SELECT without a semicolon at its end. D1
   * needs it to transfer BLOBs fast, and to keep columns of the same name apart within a
   * transaction; the result's `columns` may then have other names, and a value may be half as long.
   * It has no effect on other sources.
   */
  columns?: number;
}

export interface SourceResult {
  /** Names; empty if D1 returns no row in a transaction. */
  columns: string[];
  rows: SourceValue[][];
  /** As the runtime bills them. */
  rowsRead: number;
  rowsWritten: number;
  /** Size of the whole database after the statement, in bytes; undefined if the source does not report it. */
  databaseBytes?: number;
}

/** What a kind of database can do. Callers check these abilities, and never which kind it is. */
export interface SourceAbilities {
  /**
   * How many bytes of text a page of long rows requests: at most what one value of an answer can
   * hold. Default: `LONG_ROWS_PAGE_BYTES`. Consequence: a smaller number makes more pages of long
   * rows.
   */
  readonly longRowsPageBytes: number;
  /**
   * How many bytes of values one turn can return. Default: no limit of its own, because jobs and
   * streams have their own. Consequence: a larger database is read page by page, from a snapshot.
   */
  readonly oneTurnBytesMax: number;
  /**
   * True if the table `_cf_KV` of the database holds entries of its owner. Default: true.
   * Consequence: an export that lacks them warns; if this is false, it never does.
   */
  readonly hasKeyValues: boolean;
  /**
   * True if a transaction of which a statement fails is always undone. Default: false, since it depends on the
   * object's class. Consequence: a restore finds out by a transaction that fails.
   */
  readonly alwaysRollsBack: boolean;
}

/** The abilities of a database without peculiarities; each adapter states how its kind differs. */
export const DEFAULT_ABILITIES: SourceAbilities = {
  longRowsPageBytes: LONG_ROWS_PAGE_BYTES,
  oneTurnBytesMax: Number.POSITIVE_INFINITY,
  hasKeyValues: true,
  alwaysRollsBack: false,
};

/**
 * A customer's database. Any class with these two calls can be exported.
 *
 * A statement's text may contain several statements and at most 100,000 bytes. Errors: the source's
 * own SQL errors arrive as `ExportError("source-query-failed")` with SQLite's message, a query that
 * takes too long as `source-timeout`, and everything else (overload, network, an object that was
 * reset) as `source-unavailable`.
 */
export interface Source extends SourceAbilities {
  /** Runs one statement in its own turn. */
  query(statement: SourceStatement): Promise<SourceResult>;
  /**
   * Runs all statements in one turn, so that no other write happens between them. Callers must not
   * rely on a rollback if one fails: a Durable Object of this package's classes and D1 roll back,
   * but one of StarbaseDB's class does not.
   */
  transaction(statements: SourceStatement[]): Promise<SourceResult[]>;
}
