/**
 * One value of a key as it goes back into a query: SQL text if it is short. If it is too long to be
 * written into a statement, it is bound, and this is base64 of its bytes.
 */
export type KeyValue = { literal: string } | { text: string } | { blob: string };

/** The key of the last row read, one value a key column; null before the first row. */
export type RowKey = KeyValue[] | null;
