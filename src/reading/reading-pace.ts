/** What a table's pages have shown of its rows and keys. */
export interface TablePace {
  table: string;
  /** The most rows of the next page. */
  limit: number;
  rowBytes: number;
  /** Keys for each row. Undefined if the last page has not shown it. */
  stride: number | undefined;
  /** True if keys are spread evenly. */
  isEven: boolean;
}

/**
 * What a dump has learned about its database and its bytes. The chunks of a run share it, so each one begins where the
 * last one was. It never changes what is read, only how many rows a request asks for, and how many requests are under
 * way.
 */
export class ReadingPace {
  /** The shortest round trip so far, in milliseconds. */
  roundTripMs = Number.POSITIVE_INFINITY;
  /** The same, of long pages. */
  longRoundTripMs = Number.POSITIVE_INFINITY;
  /** How many pages may be under way now. Grows by one for each page taken. */
  depth = 1;
  /** The table whose page was measured last. */
  table: TablePace | undefined;
  /** How many bytes are stored for each byte of text. Undefined before anything is stored. */
  storedShare: number | undefined;
}
