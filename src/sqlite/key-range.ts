/** Where a table's integer keys begin and end, as doubles; what a table without such a key lacks. */
export interface KeyRange {
  table: string;
  /** The key of the first row that is read, and of the last; both null where there is no row. */
  first: number | null;
  last: number | null;
  /** How many rows there are, roughly: guessed from how dense the keys lie. */
  rows: number;
}
