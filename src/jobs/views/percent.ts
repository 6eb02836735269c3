import type { RowKey } from "../../sqlite/row-key.ts";

/** The highest percentage shown for unfinished work. */
const PERCENT_MAX = 99.9;

/**
 * Returns how much of a table was read, in percent according to the position of the last key, cut
 * to a tenth. Null if the key is not a number within a range. At most `PERCENT_MAX`: rows that were
 * written after the range was read may follow its end.
 */
export function measurePercentRead(
  range: { first: number | null; last: number | null },
  after: RowKey,
): number | null {
  const [value] = after ?? [];
  if (range.first === null || range.last === null) return null;
  if (value === undefined || !("literal" in value)) return null;
  const key = Number(value.literal);
  if (Number.isNaN(key)) return null;
  const span = range.last - range.first;
  const part = span === 0 ? 1 : (key - range.first) / span;
  return cutPercent(part * 100);
}

/** Returns a percentage as it is shown for unfinished work: cut to a tenth, and less than 100. */
export function cutPercent(percent: number): number {
  return Math.max(0, Math.min(PERCENT_MAX, Math.floor(percent * 10) / 10));
}
