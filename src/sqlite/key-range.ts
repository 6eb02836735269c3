import type { Table } from "./catalog.ts";
import type { SqlValue } from "./sql-value.ts";
import { nameOwnColumns } from "./column-sql.ts";
import { quoteIdentifier, findUnusedName } from "./identifier.ts";
import { SNAPSHOT_PREFIX } from "./own-objects.ts";

/**
 * The first and last of a table's integer keys, as doubles; tables without such a key have none.
 */
export interface KeyRange {
  table: string;
  /** The key of the first row that is read, and of the last; both null if there are no rows. */
  first: number | null;
  last: number | null;
  /** The approximate number of rows, estimated from how dense the keys are. */
  rows: number;
}

/** Lengthened if a table has this name: a query over a table of its own name would be circular. */
const KEYS = `${SNAPSHOT_PREFIX}_keys`;
const ENDS = `${SNAPSHOT_PREFIX}_ends`;

/**
 * Returns a query for a table's first and last key, and for an estimate of its rows. For the
 * estimate it looks at `probes` places between them and measures how far away the next key is. It
 * reads about three rows per place, by the key's own index. Undefined for a table whose key is not
 * one integer.
 */
export function buildKeyRangeQuery(table: Table, probes: number): string | undefined {
  const [key, ...more] = table.key;
  if (key?.integer !== true || more.length > 0 || table.kind === "virtual") return undefined;
  const keyName = findUnusedName(KEYS, table.name);
  const ends = findUnusedName(ENDS, table.name);
  // The names of the table and of its key may be long, so the text contains them once.
  const keys = `${keyName}(k) AS NOT MATERIALIZED (SELECT ${nameOwnColumns("t")(key.name)} FROM ${quoteIdentifier(table.name)} AS t)`;
  // One SELECT of both min() and max() would read the whole table.
  const range = `WITH ${keys}, ${ends}(lo, hi) AS MATERIALIZED (SELECT
    (SELECT CAST(min(k) AS REAL) FROM ${keyName}), (SELECT CAST(max(k) AS REAL) FROM ${keyName}))`;
  const gaps = Array.from({ length: probes }, (_, at) => {
    const part = (at + 0.5) / probes;
    // Two products: the difference of two keys may exceed the range of an integer.
    const place = `(SELECT lo * ${1 - part} + hi * ${part} FROM ${ends})`;
    return `(SELECT k FROM ${keyName} WHERE k > ${place} ORDER BY k LIMIT 1) - ${place}`;
  });
  return `${range} SELECT ${["lo", "hi", ...gaps].join(", ")} FROM ${ends}`;
}

/** Reads the one result row of `buildKeyRangeQuery`. */
export function parseKeyRange(table: Table, row: readonly SqlValue[]): KeyRange {
  const [lo, hi, ...gaps] = row.map((value) => (value === null ? null : Number(value)));
  if (lo === null || hi === null || lo === undefined || hi === undefined) {
    return { table: table.name, first: null, last: null, rows: 0 };
  }
  const found = gaps.filter((gap) => gap !== null);
  const mean = found.reduce((sum, gap) => sum + gap, 0) / Math.max(found.length, 1);
  // For random keys, the mean distance to the next key equals the gap between two; for regular keys
  // it is half of that.
  const distance = Math.max(1, mean * 1.5);
  const descending = table.key[0]?.descending === true;
  return {
    table: table.name,
    first: descending ? hi : lo,
    last: descending ? lo : hi,
    rows: Math.round((hi - lo) / distance) + 1,
  };
}
