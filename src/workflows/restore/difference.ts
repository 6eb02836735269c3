/** How a restored database differs from what its dump contains. */
export interface Difference {
  /** The table whose rows differ; null if it is unknown, or the difference is not in rows. */
  table: string | null;
  /** Keys of the first and the last row that the difference can be in; null if they are unknown. */
  firstKey: string | null;
  lastKey: string | null;
  /** A sentence without its period. */
  message: string;
}
