import { listRowColumns, type Table } from "../../sqlite/catalog.ts";
import { quoteIdentifier as q } from "../../sqlite/identifier.ts";
import { COLUMNS_MAX, KEY_COLUMNS_MAX, rowSelectSql } from "../../sqlite/page-query.ts";
import { selectLiveRows, selectRenamedRows } from "../../sqlite/row-select.ts";
import { fitsStatement } from "../../sqlite/statement-length.ts";
import { countNameBytes } from "../../sqlite/table-size.ts";
import { KIB, MIB } from "../../api/limits.ts";
import type { CreateEncoder } from "../../formats/table-encoder.ts";
import type { SourceStatement, SourceValue } from "../../databases/source.ts";
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
export const PAGES_BYTES_MAX = 192 * MIB;

/** After how many pages their bytes are added up. */
const PAGES_A_SUM = 32;

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
 * CREATE TABLE of the kept pages, by the numbers of their tables: the text and the number of its rows. Rows with
 * negative numbers have the sums of their bytes so far. The turn fails at a page or a sum that exceeds a bound.
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
 * names are too long for it, or its key has too many columns for any page. Each table has a statement of its own,
 * which takes as long to prepare as 250 rows take to encode. So it has only what a page without a next one needs. It
 * does not read the table that it writes, because SQLite would copy the page once more.
 */
export function keepPageSql(
  { pages }: SnapshotNames,
  { number, table }: { number: number; table: Table },
  createEncoder: CreateEncoder,
): SourceStatement | undefined {
  // Reading it page by page reports why it cannot be exported.
  if (table.key.length > KEY_COLUMNS_MAX) return undefined;
  const { rowGapHex, rowSql } = bindEncoder(createEncoder, table);
  const live = selectLiveRows(table);
  const names = listRowColumns(table);
  const renamed = names.length > COLUMNS_MAX ? [] : [selectRenamedRows(live, names)];
  for (const select of [live, ...renamed]) {
    const params: SourceValue[] = [];
    const rows = rowSelectSql(
      { table, after: null, limit: KEPT_ROWS_MAX + 1 },
      (column) => [`${rowSql(column)} AS r`],
      select,
      params,
    );
    const text = `CAST(group_concat(r, X'${rowGapHex}') AS BLOB)`;
    const sql = `INSERT INTO ${q(pages)} (n, row_count, r) SELECT ${number}, count(*), ${text} FROM (${rows})`;
    if (fitsStatement({ sql })) return { sql, params };
  }
  return undefined;
}

/** Adds a sum after each group of the statements that keep the pages of tables `numbers`, in ascending order. */
export function addSums(
  names: SnapshotNames,
  statements: readonly SourceStatement[],
  numbers: readonly number[],
): SourceStatement[] {
  return statements.flatMap((statement, at) => {
    const isLast = at === statements.length - 1;
    if (!isLast && (at + 1) % PAGES_A_SUM !== 0) return [statement];
    const first = numbers[at - (at % PAGES_A_SUM)] ?? 0;
    return [statement, { sql: sumPagesSql(names, { first, last: numbers[at] ?? 0 }) }];
  });
}

/** Statement that adds the bytes of the pages of tables `first` to `last` to the last sum. */
export function sumPagesSql(
  { pages }: SnapshotNames,
  { first, last }: { first: number; last: number },
): string {
  // The last sum has the lowest number.
  const sum = `coalesce((SELECT total FROM ${q(pages)} ORDER BY n LIMIT 1), 0)`;
  return (
    `INSERT INTO ${q(pages)} (n, total) SELECT ${-1 - last}, ${sum} + coalesce(sum(length(r)), 0) ` +
    `FROM ${q(pages)} WHERE n BETWEEN ${first} AND ${last}`
  );
}

function bindEncoder(createEncoder: CreateEncoder, table: Table) {
  const encoder = createEncoder(table, 0);
  return { rowGapHex: encoder.rowGapHex, rowSql: encoder.rowSql(0) };
}

/** Query of the number and length of each kept page. */
export function listPagesSql({ pages }: SnapshotNames): string {
  return `SELECT n, coalesce(length(r), 0) FROM ${q(pages)} WHERE n >= 0`;
}

/** Query of the pages of tables `first` to `last`: the number, the text, and the number of its rows. */
export function readPagesSql(
  { pages }: SnapshotNames,
  { first, last }: { first: number; last: number },
): string {
  return `SELECT n, r, row_count FROM ${q(pages)} WHERE n BETWEEN ${first} AND ${last}`;
}
