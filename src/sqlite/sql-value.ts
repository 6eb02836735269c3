/**
 * A value in a result row or a bound parameter. Integers beyond 2^53 lose digits: SQLite must
 * convert them to text first.
 */
export type SqlValue = ArrayBuffer | string | number | null;
