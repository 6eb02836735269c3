import { encodeUtf8 } from "../lib/bytes.ts";
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

export interface TableSize {
  rows: number;
  bytes: number;
  /** Rows that SQLite read to find out. */
  rowsRead: number;
  /** How far its first and last keys are apart; undefined if nobody asked, or without rows. */
  keySpan?: number;
}

/** The size of a value without its column's name, in formats that repeat the name: `"":null,`. */
const VALUE_TEXT_BYTES = 8;

/** Returns how many bytes each row has, in addition to its values, in formats that repeat the columns' names. */
export function countNameBytes(table: Table): number {
  const lengths = listRowColumns(table).map(
    (name) => encodeUtf8(name).byteLength + VALUE_TEXT_BYTES,
  );
  return lengths.reduce((sum, length) => sum + length, 0);
}

/**
 * Returns queries that measure a table, for `parseSizes`: one, or several if the columns' names are long. They read at
 * most `rowsMax` rows. With `measuresKeys`, they also find how far the first and the last of its integer keys are
 * apart.
 */
export function buildSizeQueries(
  table: Table,
  { rowsMax = -1, measuresKeys = false }: { rowsMax?: number; measuresKeys?: boolean } = {},
): { sql: string }[] {
  const column = nameOwnColumns("t");
  const [key] = table.key;
  const source = fromSql(table);
  const rowsName = findUnusedName(ROWS, source);
  return splitByLength(listRowColumns(table), (names) => {
    const keySql = measuresKeys && key !== undefined ? column(key.name) : "NULL";
    const rows = `SELECT ${keySql}, ${bytesSql(names.map(column))} FROM ${source} AS t`;
    // The sum of each row is computed inside: a result may have 100 columns.
    const from = `${rowsName}(k, b) AS NOT MATERIALIZED (${rows})`;
    // As a real: an integer may be larger than JavaScript's numbers.
    const span = measuresKeys
      ? `(SELECT max(k) FROM ${rowsName}) - (SELECT min(k) FROM ${rowsName}) + 0.0`
      : "NULL";
    const some = `SELECT b FROM ${rowsName} LIMIT ${rowsMax}`;
    return {
      sql: `WITH ${from} SELECT count(*), coalesce(sum(b), 0), ${span} AS span FROM (${some})`,
    };
  });
}

/** Returns the sizes of tables, in their order, from the results of all of their `queries`. */
export function parseSizes(
  queries: readonly (readonly { sql: string }[])[],
  results: readonly { rows: SqlValue[][]; rowsRead: number }[],
): TableSize[] {
  let end = 0;
  return queries.map(({ length }) => {
    end += length;
    const size: TableSize = { rows: 0, bytes: 0, rowsRead: 0 };
    for (const { rows, rowsRead } of results.slice(end - length, end)) {
      const [count, bytes, keySpan] = rows[0] ?? [];
      size.rows = Math.max(size.rows, Number(count ?? 0));
      size.bytes += Number(bytes ?? 0);
      size.rowsRead += rowsRead;
      if (typeof keySpan === "number") size.keySpan = keySpan;
    }
    return size;
  });
}
