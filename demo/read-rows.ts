import type { DatabaseSync } from "node:sqlite";

/**
 * The rows of a query as arrays, with integers as BigInt: JavaScript's numbers round integers over
 * 2^53.
 */
export function readRows<Value>(db: DatabaseSync, sql: string): Iterable<Value[]> {
  const select = db.prepare(sql);
  select.setReadBigInts(true);
  select.setReturnArrays(true);
  return select.iterate() as unknown as Iterable<Value[]>;
}
