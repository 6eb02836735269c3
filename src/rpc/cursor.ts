import type { RowKey } from "../sqlite/row-key.ts";

/** What a format remembers from page to page; 0 before the first row. It is small: each checkpoint stores it. */
export type EncoderState = number | string;

/** The position at which an export resumes: plain data, committed with each checkpoint. */
export interface Cursor {
  /** Index into the plan's artifacts; equal to their number when everything is read. */
  artifact: number;
  /** Index into the artifact's segments. */
  segment: number;
  /** The last row that was read from a segment of rows. */
  after: RowKey;
  /** What the format must remember from page to page; see `TableEncoder`. */
  encoderState: EncoderState;
}

/** The cursor before the first byte. */
export const CURSOR_START: Cursor = { artifact: 0, segment: 0, after: null, encoderState: 0 };
