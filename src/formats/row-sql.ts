import type { ColumnSql, RowExpression } from "../sqlite/column-sql.ts";

/** SQL expressions of one row's text, over the row's columns. Both give the same text. */
export interface RowSql {
  usual: RowExpression;
  /** Faster where values are long. */
  long: RowExpression;
}

/** Expressions that are longer than this, in characters, are not worth their length in a query. */
export const ROW_SQL_CHARS_MAX = 16_000;

/** From this length of a row's average value on, in bytes, `long` is faster (60 to 100, November 2026). */
const LONG_VALUE_BYTES = 100;

/** The expression for rows of so many columns that are about `rowBytes` long. */
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
