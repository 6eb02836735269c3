/** SQL expressions of one row's text, over its table's column names. Both give the same text. */
export interface RowSql {
  usual: string;
  /** Faster where values are long. */
  long: string;
}

/** Expressions that are longer than this, in characters, are not worth their length in a query. */
export const ROW_SQL_CHARS_MAX = 16_000;

/** From this length of a row's average value on, in bytes, `long` is faster (60 to 100, November 2026). */
const LONG_VALUE_BYTES = 100;

/** The expression for rows of so many columns that are about `rowBytes` long. */
export function chooseRowSql(
  { usual, long }: RowSql,
  row: { columns: number; rowBytes: number },
): string {
  const isLong = row.rowBytes >= row.columns * LONG_VALUE_BYTES;
  return isLong && long.length <= ROW_SQL_CHARS_MAX ? long : usual;
}
