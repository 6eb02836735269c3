/** How a restored database differs from its dump. */
export interface Difference {
  /** The table whose rows differ; null if it is unknown, or if the difference is not in rows. */
  table: string | null;
  /** The first and last key between which the difference lies; null if they are unknown. */
  firstKey: string | null;
  lastKey: string | null;
  /** A sentence without its period. */
  message: string;
}
