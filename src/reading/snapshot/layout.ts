import { numberColumns, nameOwnColumns } from "../../sqlite/column-sql.ts";
import { quoteIdentifier as q } from "../../sqlite/identifier.ts";
import { fromSql, type RowSelect, selectRowsFrom } from "../../sqlite/row-select.ts";
import {
  type KeyColumn,
  listRowColumns,
  listStoredColumns,
  type Table,
} from "../../sqlite/catalog.ts";

/** Key columns are in the second undo table too. */
const KEY_COLUMNS_MAX = 40;

/**
 * True if triggers can watch a table. It belongs to no module and does not count as a shadow table.
 * It has a key with a name to find rows by, and none of that key is generated (such a value is not
 * known before the row is written).
 */
export function canWatch(table: Table): boolean {
  const stored = new Set(listStoredColumns(table).map((column) => column.name));
  return (
    table.kind !== "virtual" &&
    table.shadowNamed !== true &&
    table.key.length > 0 &&
    table.key.length <= KEY_COLUMNS_MAX &&
    table.key.every((column) => column.integer || stored.has(column.name))
  );
}

/** Names of a copy's columns: `c0` for the first of `listRowColumns`, then `c1`, `c2`, … */
export function listPlaces(columns: readonly string[]): string[] {
  return columns.map((_, at) => `c${at}`);
}

/**
 * Statements that copy a table's rows. Their inserts do not change `last_insert_rowid()`, which the
 * customer's code may be about to read.
 */
export function copyRowsSql(name: string, table: Table): string[] {
  const columns = listRowColumns(table);
  const places = listPlaces(columns);
  const values = columns.map(nameOwnColumns("t"));
  const from = `FROM ${fromSql(table)} AS t`;
  if (table.key.length === 0) {
    const list = values.map((value, at) => `${value} AS ${places[at]}`);
    return [`CREATE TABLE ${q(name)} AS SELECT ${list.join(", ")} ${from}`];
  }
  return [
    createKeyedSql(name, table.key, places),
    `INSERT INTO ${q(name)} (${places.join(", ")}) SELECT ${values.join(", ")} ${from}`,
  ];
}

/** The rows of such a copy. */
export function selectCopiedRows(name: string, table: Table): RowSelect {
  const column = numberColumns("t", listRowColumns(table));
  return selectRowsFrom({ from: `${q(name)} AS t`, column, where: undefined });
}

/**
 * CREATE TABLE of a table that stores rows by key, with the key's columns first. All columns accept
 * every value unchanged: no affinity, no constraint. The primary key orders and compares like that
 * of the copied table.
 */
export function createKeyedSql(
  name: string,
  key: readonly KeyColumn[],
  columns: readonly string[],
): string {
  const terms = key.map(
    ({ collation, descending }, at) =>
      `${columns[at]} COLLATE ${collation}${descending ? " DESC" : ""}`,
  );
  const list = [...columns, `PRIMARY KEY (${terms.join(", ")})`];
  return `CREATE TABLE ${q(name)} (${list.join(", ")}) WITHOUT ROWID`;
}
