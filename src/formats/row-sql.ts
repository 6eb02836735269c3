import type { ColumnSql, RowExpression } from "../sqlite/column-sql.ts";

/** SQL expressions of one row's text, over the row's columns. Both return the same text. */
export interface RowSql {
  usual: RowExpression;
  /** Faster if values are long. */
  long: RowExpression;
}

/** Longer expressions, in characters, are not worth their length in a query. */
export const ROW_SQL_CHARS_MAX = 16_000;

/**
 * If a row's average value has at least this many bytes, `long` is faster (60 to 100, November
 * 2026).
 */
const LONG_VALUE_BYTES = 100;

/** Returns the expression for rows with this many columns that are about `rowBytes` long. */
export function chooseRowSql(
  { usual, long }: RowSql,
  row: { columns: number; rowBytes: number },
): RowExpression {
  if (row.rowBytes < row.columns * LONG_VALUE_BYTES) return usual;
  return (column: ColumnSql) => {
    const sql = long(column);
    return sql.length <= ROW_SQL_CHARS_MAX ? sql : usual(column);
  };
}
