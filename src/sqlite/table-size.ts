import { nameOwnColumns } from "./column-sql.ts";
import { findUnusedName } from "./identifier.ts";
import { SNAPSHOT_PREFIX } from "./own-objects.ts";
import { fromSql } from "./row-select.ts";
import { splitByLength } from "./statement-length.ts";
import { listRowColumns, type Table } from "./catalog.ts";
import { bytesSql } from "./bytes-sql.ts";
import type { SqlValue } from "./sql-value.ts";

/** Lengthened if a table has this name: a query over a table of its own name would be circular. */
const ROWS = `${SNAPSHOT_PREFIX}_rows`;
const FAR = `${SNAPSHOT_PREFIX}_far`;

export interface TableSize {
  rows: number;
  bytes: number;
  /** Rows that SQLite read to find out. */
  rowsRead: number;
}

/**
 * Returns queries that measure a table, for `parseSizes`: one, or several if the columns' names are
 * long. They read at most `rowsMax` rows, and none of a table whose first and last keys are further
 * apart than `keySpanMax`.
 */
export function buildSizeQueries(
  table: Table,
  { rowsMax = -1, keySpanMax }: { rowsMax?: number; keySpanMax?: number } = {},
): { sql: string }[] {
  const column = nameOwnColumns("t");
  const [key] = table.key;
  const keySql = key === undefined || keySpanMax === undefined ? "NULL" : column(key.name);
  const source = fromSql(table);
  const rowsName = findUnusedName(ROWS, source);
  const farName = findUnusedName(FAR, source);
  return splitByLength(listRowColumns(table), (names) => {
    const rows = `SELECT ${keySql}, ${bytesSql(names.map(column))} FROM ${source} AS t`;
    // The sum of each row is computed inside: a result may have 100 columns.
    const from = `${rowsName}(k, b) AS NOT MATERIALIZED (${rows})`;
    if (keySpanMax === undefined) {
      const some = `SELECT b FROM ${rowsName} LIMIT ${rowsMax}`;
      return { sql: `WITH ${from} SELECT count(*), coalesce(sum(b), 0), 0 AS far FROM (${some})` };
    }
    const span = `(SELECT max(k) FROM ${rowsName}) - (SELECT min(k) FROM ${rowsName})`;
    const far = `${farName}(far) AS MATERIALIZED (SELECT coalesce(${span} > ${keySpanMax}, 0))`;
    const some = `SELECT b FROM ${rowsName} LIMIT iif((SELECT far FROM ${farName}), 0, ${rowsMax})`;
    return {
      sql: `WITH ${from}, ${far} SELECT count(*), coalesce(sum(b), 0), (SELECT far FROM ${farName}) FROM (${some})`,
    };
  });
}

/**
 * Returns the sizes of tables, in their order, from the results of all of their `queries`. A table
 * whose keys are too far apart has an infinite number of rows.
 */
export function parseSizes(
  queries: readonly (readonly { sql: string }[])[],
  results: readonly { rows: SqlValue[][]; rowsRead: number }[],
): TableSize[] {
  let end = 0;
  return queries.map(({ length }) => {
    end += length;
    const size: TableSize = { rows: 0, bytes: 0, rowsRead: 0 };
    for (const { rows, rowsRead } of results.slice(end - length, end)) {
      const [count = 0, bytes = 0, isFar] = (rows[0] ?? []).map(Number);
      size.rows = Math.max(size.rows, isFar === 1 ? Number.POSITIVE_INFINITY : count);
      size.bytes += bytes;
      size.rowsRead += rowsRead;
    }
    return size;
  });
}
