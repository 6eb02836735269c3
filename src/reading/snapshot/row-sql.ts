import { type ColumnSql, nameOwnColumns } from "../../sqlite/column-sql.ts";
import { quoteIdentifier as q } from "../../sqlite/identifier.ts";
import type { KeyColumn } from "../../sqlite/catalog.ts";
import type { SnapshotNames } from "./names.ts";

/** SQL of a key's values, one per key column. */
export type KeySql = string[];

/** The key's columns of `row`, one of the table's own: an alias, `OLD` or `NEW`. */
export function keyColumnsSql(row: string, key: KeyColumn[]): KeySql {
  return key.map((column) => nameOwnColumns(row)(column.name));
}

/**
 * True if the row whose columns `sqlOf` finds has the key `values`. The sign removes the values'
 * affinity, which would otherwise keep SQLite from using an index on columns that have none.
 */
export function sameKeySql(sqlOf: ColumnSql, key: KeyColumn[], values: KeySql): string {
  return key
    .map((column, at) => {
      const collation = column.integer ? "" : ` COLLATE ${column.collation}`;
      return `${sqlOf(column.name)} = +${values[at]}${collation}`;
    })
    .join(" AND ");
}

/**
 * True if the row of an integer key is not exported yet but must be: it comes after the committed
 * cursor, but not after the last key that the table had when the snapshot was opened. Rows of other
 * keys are needed until their table is finished, if it had rows: that keeps more than necessary,
 * never less.
 */
export function isNeededSql(
  names: SnapshotNames,
  row: { number: number | string; key: KeySql; isInteger: boolean },
): string {
  const value = `+${row.key[0]}`;
  const isBetween = row.isInteger
    ? `(tmp_c.k0 IS NULL OR ${value} > tmp_c.k0) AND ${value} <= tmp_c.e0`
    : "tmp_c.e0 IS NOT NULL";
  return `EXISTS (SELECT 1 FROM ${q(names.cursor)} AS tmp_c WHERE tmp_c.t = ${row.number} AND ${isBetween})`;
}
