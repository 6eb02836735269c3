import type { Table } from "../../sqlite/catalog.ts";
import { quoteIdentifier as q, findUnusedName } from "../../sqlite/identifier.ts";
import { SNAPSHOT_PREFIX } from "../../sqlite/own-objects.ts";
import { buildPageQuery } from "../../sqlite/page-query.ts";
import { fitsStatement, StatementTooLong } from "../../sqlite/statement-length.ts";
import { countNameBytes } from "../../sqlite/table-size.ts";
import { KIB, MIB } from "../../api/limits.ts";
import type { CreateEncoder } from "../../formats/table-encoder.ts";
import type { SourceStatement } from "../../databases/source.ts";
import type { SnapshotNames } from "./names.ts";

/** The most rows of a kept page. */
export const KEPT_ROWS_MAX = 10_000;

/** The most bytes of values in a kept page. Text may be six times as long, and a value has at most 2 MB. */
const KEPT_VALUES_BYTES_MAX = 256 * KIB;

/** The most bytes of text, without escapes, in formats that repeat the columns' names in each row. */
const KEPT_TEXT_BYTES_MAX = MIB;

/** The most bytes of text in a kept page: every source can return a value of this length. */
const PAGE_BYTES_MAX = 1_900_000;

/**
 * The most bytes of text in all kept pages. Sizes are estimated before, and the turn that keeps pages stops at this
 * bound. Keeping 450 tables of 145 KB took 1.4 s of CPU on a loaded machine (November 2026).
 */
const PAGES_BYTES_MAX = 192 * MIB;

/** Lengthened if a table has this name: a query over a table of its own name would be circular. */
const KEPT = `${SNAPSHOT_PREFIX}_kept`;

/** The columns of the query that reads kept pages. */
export const KEPT_COLUMNS = 3;

/** True if a table of about this size has a text that fits into one page. */
export function fitsKeptPage(
  table: Table,
  { rows, bytes }: { rows: number; bytes: number },
): boolean {
  return (
    rows <= KEPT_ROWS_MAX &&
    bytes <= KEPT_VALUES_BYTES_MAX &&
    bytes + rows * countNameBytes(table) <= KEPT_TEXT_BYTES_MAX
  );
}

/**
 * CREATE TABLE of the kept pages, by the numbers of their tables: the text and the number of its rows, and how long
 * the texts are up to this one. The turn fails at a page that exceeds a bound.
 */
export function createPagesSql({ pages }: SnapshotNames): string {
  const columns = [
    "n INTEGER PRIMARY KEY",
    `total INTEGER CHECK (total <= ${PAGES_BYTES_MAX})`,
    `row_count INTEGER CHECK (row_count <= ${KEPT_ROWS_MAX})`,
    `r BLOB CHECK (length(r) <= ${PAGE_BYTES_MAX})`,
  ];
  return `CREATE TABLE ${q(pages)} (${columns.join(", ")}) WITHOUT ROWID`;
}

/**
 * Statement that keeps a table's text as one page; does not change `last_insert_rowid()`. Undefined if the table's
 * names are too long for it.
 */
export function keepPageSql(
  { pages }: SnapshotNames,
  { number, table }: { number: number; table: Table },
  createEncoder: CreateEncoder,
): SourceStatement | undefined {
  const { rowGapHex, rowSql } = bindEncoder(createEncoder, table);
  try {
    const request = { table, rowSql, rowGapHex, after: null, limit: KEPT_ROWS_MAX + 1 };
    const { sql: page, params, columns = 0 } = buildPageQuery(request);
    const kept = findUnusedName(KEPT, page);
    const names = Array.from({ length: columns }, (_, at) => `c${at}`).join(", ");
    const total = `coalesce((SELECT total FROM ${q(pages)} ORDER BY n DESC LIMIT 1), 0)`;
    const sql =
      `INSERT INTO ${q(pages)} (n, total, row_count, r) WITH ${kept}(${names}) AS (${page}) ` +
      `SELECT ${number}, ${total} + coalesce(length(c0), 0), c1, c0 FROM ${kept}`;
    return fitsStatement({ sql }) ? { sql, params } : undefined;
  } catch (error) {
    if (error instanceof StatementTooLong) return undefined;
    throw error;
  }
}

function bindEncoder(createEncoder: CreateEncoder, table: Table) {
  const encoder = createEncoder(table, 0);
  return { rowGapHex: encoder.rowGapHex, rowSql: encoder.rowSql(0) };
}

/** Query of the number and length of each kept page. */
export function listPagesSql({ pages }: SnapshotNames): string {
  return `SELECT n, coalesce(length(r), 0) FROM ${q(pages)}`;
}

/** Query of the pages of tables `first` to `last`: the number, the text, and the number of its rows. */
export function readPagesSql(
  { pages }: SnapshotNames,
  { first, last }: { first: number; last: number },
): string {
  return `SELECT n, r, row_count FROM ${q(pages)} WHERE n BETWEEN ${first} AND ${last}`;
}
