import type { Table } from "./catalog.ts";
import { type ColumnSql, nameOwnColumns, numberColumns, type RowExpression } from "./column-sql.ts";
import { quoteIdentifier } from "./identifier.ts";

/**
 * Returns the SELECT of a range's rows in key order. Its result has the given `columns`: SQL over
 * the table's rowid and stored columns, with the key's columns first. It contains only rows for
 * which `predicate` is true and ends at `limit` rows (also SQL). `orderBy` names columns by their
 * position, so that a compound SELECT can be ordered too. `predicate` is "" for all rows, and
 * `orderBy` is "" for a table without a key. `isBounded` is true if the predicate names the last
 * key, so that a bound of the rows' own is redundant. Only the function that makes a SELECT knows how its
 * rows' columns are called, so it passes their SQL to `columns` and `predicate`.
 *
 * The columns are in the innermost SELECT because a result may have 100 columns, and so may a
 * subquery. A table of 100 columns also has its rowid.
 */
export type RowSelect = (range: {
  columns: (column: ColumnSql) => string[];
  predicate: RowExpression;
  isBounded?: boolean;
  orderBy: string;
  limit: string;
}) => string;

/** A table's alias in the SELECT of its own rows. */
export const TABLE_ALIAS = "t";
const TABLE_COLUMNS = nameOwnColumns(TABLE_ALIAS);

/**
 * True if `column` finds the columns of the table itself, under `TABLE_ALIAS`, and not those of a
 * copy.
 */
export function isTableItself(column: ColumnSql): boolean {
  return column === TABLE_COLUMNS;
}

/** Rows read directly from the table; only those for which `where` is true, if it is given. */
export function selectLiveRows(table: Table, where?: RowExpression): RowSelect {
  const from = `${fromSql(table)} AS ${TABLE_ALIAS}`;
  return selectRowsFrom({ from, column: TABLE_COLUMNS, where: where?.(TABLE_COLUMNS) });
}

/** FROM text of a table's rows as they are. */
export function fromSql({ name, derived }: Table): string {
  return derived === undefined ? quoteIdentifier(name) : `(${derived.rowsSql})`;
}

/**
 * Rows of a FROM text, in which `column` finds a table's columns; only those for which `where` is
 * true.
 */
export function selectRowsFrom(rows: {
  from: string;
  column: ColumnSql;
  where: string | undefined;
}): RowSelect {
  const { from, column, where = "" } = rows;
  return ({ columns, predicate, orderBy, limit }) => {
    const conditions = [where, predicate(column)].filter((each) => each !== "").join(" AND ");
    return (
      `SELECT ${columns(column).join(", ")} FROM ${from}${conditions === "" ? "" : ` WHERE ${conditions}`}` +
      `${orderBy === "" ? "" : ` ORDER BY ${orderBy}`} LIMIT ${limit}`
    );
  };
}

/**
 * The same rows, in a text that contains each of the columns' `names` once, regardless of how often
 * a column is used.
 */
export function selectRenamedRows(select: RowSelect, names: readonly string[]): RowSelect {
  return ({ columns, ...range }) => {
    const rows = select({
      ...range,
      columns: (column) => names.map((name, at) => `${column(name)} AS c${at}`),
    });
    return `SELECT ${columns(numberColumns("n", names)).join(", ")} FROM (${rows}) AS n`;
  };
}
