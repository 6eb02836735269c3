import type { Cursor } from "./row-key.ts";

/** Where a table's integer keys begin and end, as doubles; what a table without such a key lacks. */
export interface KeyRange {
  table: string;
  /** The key of the first row that is read, and of the last; both null where there is no row. */
  first: number | null;
  last: number | null;
  /** How many rows there are, roughly: guessed from how dense the keys lie. */
  rows: number;
}

/** What is not done yet is never shown as more. */
export const PERCENT_MAX = 99.9;

/**
 * How much of a table lies behind the cursor, in percent by the position of its key, cut to a tenth;
 * null where the cursor is not a number within a range. At most `PERCENT_MAX`: rows that were
 * written after the range was looked up may lie behind its end.
 */
export function percentBehind(
  range: { first: number | null; last: number | null },
  cursor: Pick<Cursor, "after">,
): number | null {
  const [value] = cursor.after ?? [];
  if (range.first === null || range.last === null) return null;
  if (value === undefined || !("literal" in value)) return null;
  const key = Number(value.literal);
  if (Number.isNaN(key)) return null;
  const span = range.last - range.first;
  const part = span === 0 ? 1 : (key - range.first) / span;
  return cutPercent(part * 100);
}

/** A percentage as it is shown of what is not done. */
export function cutPercent(percent: number): number {
  return Math.max(0, Math.min(PERCENT_MAX, Math.floor(percent * 10) / 10));
}
