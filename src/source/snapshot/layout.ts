import { quoteIdentifier as q } from "../../dump/identifier.ts";
import { fromSql } from "../../dump/page-query.ts";
import { type KeyColumn, storedColumns, type Table } from "../../model/catalog.ts";

/** Key columns stand in the second undo table too. */
const KEY_COLUMNS_MAX = 40;

/** Columns of a table whose rows are gathered with others'; each row has two columns more. */
export const GATHERED_COLUMNS_MAX = 96;

/**
 * True where triggers can watch a table: it is no module's, has a key with a name to find rows by,
 * and none of it is generated (its value is not known before the row is written).
 */
export function canWatch(table: Table): boolean {
  const stored = new Set(storedColumns(table).map((column) => column.name));
  return (
    table.kind !== "virtual" &&
    table.key.length > 0 &&
    table.key.length <= KEY_COLUMNS_MAX &&
    table.key.every((column) => column.integer || stored.has(column.name))
  );
}

/** True where rows have one integer key, whose place against cursor and end is one comparison. */
export function hasIntegerKey(table: Table): boolean {
  return table.key.length === 1 && table.key[0]?.integer === true;
}

/**
 * Statements that copy a table's rows. What they insert leaves `last_insert_rowid()` as it was,
 * which the customer's code may be about to ask for.
 */
export function copyRowsSql(name: string, table: Table, columns: string[]): string[] {
  const list = columns.map(q).join(", ");
  const rows = `SELECT ${list} FROM ${fromSql(table)}`;
  if (table.key.length === 0) return [`CREATE TABLE ${q(name)} AS ${rows}`];
  return [createKeyedSql(name, table.key, columns), `INSERT INTO ${q(name)} (${list}) ${rows}`];
}

/** Columns of a copy: the key's, and what is stored. */
export function copyColumns(table: Table): string[] {
  return [
    ...new Set([
      ...table.key.map((column) => column.name),
      ...storedColumns(table).map((column) => column.name),
    ]),
  ];
}

/** CREATE TABLE of the table that gathers small ones, by number of the table and of the row. */
export function createGatheringSql(name: string): string {
  const columns = Array.from({ length: GATHERED_COLUMNS_MAX }, (_, at) => `c${at}`);
  return `CREATE TABLE ${q(name)} (t, n, ${columns.join(", ")}, PRIMARY KEY (t, n)) WITHOUT ROWID`;
}

/** Statement that copies a table's rows into the gathering; leaves `last_insert_rowid()` as it was. */
export function gatherRowsSql(name: string, number: number, table: Table): string {
  const columns = copyColumns(table);
  const into = columns.map((_, at) => `c${at}`).join(", ");
  return (
    `INSERT INTO ${q(name)} (t, n, ${into}) ` +
    `SELECT ${number}, row_number() OVER (), ${columns.map(q).join(", ")} FROM ${q(table.name)}`
  );
}

/** FROM text that yields a gathered table's rows with every column under its own name. */
export function gatheredFromSql(name: string, number: number, table: Table): string {
  const columns = copyColumns(table).map((column, at) => `c${at} AS ${q(column)}`);
  return `(SELECT ${columns.join(", ")} FROM ${q(name)} WHERE t = ${number})`;
}

/**
 * CREATE TABLE of a table of rows by key, whose other columns take every value as it is: no
 * affinity, no constraint. The primary key orders and compares as the copied table's own.
 */
export function createKeyedSql(name: string, key: KeyColumn[], columns: string[]): string {
  const keyNames = new Set(key.map((column) => column.name));
  const others = columns.filter((column) => !keyNames.has(column)).map(q);
  const terms = key.map(
    (column) => `${q(column.name)} COLLATE ${column.collation}${column.descending ? " DESC" : ""}`,
  );
  const list = [
    ...key.map((column) => q(column.name)),
    ...others,
    `PRIMARY KEY (${terms.join(", ")})`,
  ];
  return `CREATE TABLE ${q(name)} (${list.join(", ")}) WITHOUT ROWID`;
}
