/**
 * One value of a key as it goes back into a query: SQL text where it is short, base64 of its bytes
 * where it is too long to be written into a statement and has to be bound.
 */
export type KeyValue = { literal: string } | { text: string } | { blob: string };

/** The key of the last row read, one value a key column; null before the first row. */
export type RowKey = KeyValue[] | null;
