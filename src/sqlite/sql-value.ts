/**
 * A value of a result's row, or one that is bound. Integers beyond 2^53 lose digits: SQLite must make text of them
 * first.
 */
export type SqlValue = ArrayBuffer | string | number | null;
