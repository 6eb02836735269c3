/**
 * One value of a key as it goes back into a query: SQL text where it is short, base64 of its bytes
 * where it is too long to be written into a statement and has to be bound.
 */
export type KeyValue = { literal: string } | { text: string } | { blob: string };

/** The key of the last row read, one value a key column; null before the first row. */
export type RowKey = KeyValue[] | null;

/** Where an export goes on: plain data, committed with each checkpoint. */
export interface Cursor {
  /** Index into the plan's artifacts; equal to their number when everything is read. */
  artifact: number;
  /** Index into the artifact's segments. */
  segment: number;
  /** Last row read of a segment of rows. */
  after: RowKey;
  /** What the format has to remember from page to page, see `TableEncoder`. */
  encoderState: number;
}

/** The cursor before the first byte. */
export const CURSOR_START: Cursor = { artifact: 0, segment: 0, after: null, encoderState: 0 };
