import type { Source } from "../databases/source.ts";
import { lowerAscii } from "../lib/ascii-case.ts";
import type { StagedTable } from "../rpc/load-plan.ts";
import { quoteIdentifier, quoteText } from "../sqlite/identifier.ts";
import { RESTORE_MARK } from "../sqlite/own-objects.ts";
import {
  bindKeyValue,
  buildKeyValueColumns,
  parseKeyValue,
  type RowKey,
} from "../sqlite/row-key.ts";
import type { SqlValue } from "../sqlite/sql-value.ts";

/** A staging table, and the table that receives its rows. */
export interface StagedRows {
  /** Its quoted name. */
  table: string;
  /** Its name in messages. */
  name: string;
  stageName: string;
  /** What an INSERT lists, quoted: the columns, and the rowid if it has a name. */
  columns: string[];
  /** Columns that identify a row, quoted; empty if the rowid has no name. */
  key: string[];
}

/** Returns how to read a staging table; null if no row was staged, so it does not exist. */
export async function describeStage(
  source: Source,
  { name, stageName }: StagedTable,
): Promise<StagedRows | null> {
  const { rows } = await source.query({
    sql: `SELECT name, hidden, pk FROM pragma_table_xinfo(${quoteText(stageName)})`,
    columns: 3,
  });
  if (rows.length === 0) return null;
  const used = new Set(rows.map(([column]) => lowerAscii(String(column))));
  const isRowidTable = await source
    .query({ sql: `SELECT wr FROM pragma_table_list(${quoteText(stageName)})` })
    .then(({ rows: [row] }) => Number(row?.[0] ?? 0) === 0);
  const rowid = ["rowid", "_rowid_", "oid"].find((each) => isRowidTable && !used.has(each));
  const columns = rows.flatMap(([column, hidden]) =>
    Number(hidden) === 0 ? [quoteIdentifier(String(column))] : [],
  );
  const primaryKey = rows
    .filter(([, , place]) => !isRowidTable && Number(place) > 0)
    .map(([column]) => quoteIdentifier(String(column)));
  return {
    table: quoteIdentifier(name),
    name,
    stageName,
    columns: [...(rowid === undefined ? [] : [rowid]), ...columns],
    key: rowid === undefined ? primaryKey : [rowid],
  };
}

/** Rows after a key, in ascending or descending order, up to and including another key. */
export interface Slice {
  after: RowKey;
  /** Null for all remaining rows. */
  to: RowKey;
  isDescending: boolean;
}

/** Returns the key of the last row of the next slice, which has at most `rows` rows; null if no rows are left. */
export async function findSliceEnd(
  source: Source,
  staged: StagedRows,
  { after, isDescending }: Omit<Slice, "to">,
  rows: number,
): Promise<RowKey> {
  const params: SqlValue[] = [];
  const where = compareKey(staged.key, { after, to: null, isDescending }, params);
  const names = staged.key.map((column, at) => `${column} AS k${at}`);
  const values = staged.key.map((_, at) => buildKeyValueColumns(`k${at}`));
  const order = (keys: string[], descends: boolean): string =>
    keys.map((key) => `${key} COLLATE BINARY${descends ? " DESC" : ""}`).join(", ");
  const found = await source.query({
    sql:
      `SELECT ${values.flatMap(({ typeSql, valueSql }) => [typeSql, valueSql]).join(", ")} FROM ` +
      `(SELECT ${names.join(", ")} FROM ${staged.stageName} WHERE ${where} ` +
      `ORDER BY ${order(staged.key, isDescending)} LIMIT ${rows}) ` +
      `ORDER BY ${order(
        staged.key.map((_, at) => `k${at}`),
        !isDescending,
      )} LIMIT 1`,
    params,
    columns: 2 * staged.key.length,
  });
  const [row] = found.rows;
  if (row === undefined) return null;
  return staged.key.map((_, at) => parseKeyValue(String(row[2 * at]), row[2 * at + 1] ?? null));
}

/**
 * SQL that is true for the rows of a slice. Values that differ under any collation also differ as bytes, so
 * comparing bytes separates all rows of a table.
 */
function compareKey(key: string[], { after, to, isDescending }: Slice, params: SqlValue[]): string {
  const columns = `(${key.map((column) => `${column} COLLATE BINARY`).join(", ")})`;
  const write = (values: NonNullable<RowKey>): string =>
    `(${values.map((value) => bindKeyValue(value, params)).join(", ")})`;
  const [beyond, within] = isDescending ? ["<", ">="] : [">", "<="];
  return [
    ...(after === null ? [] : [`${columns} ${beyond} ${write(after)}`]),
    ...(to === null ? [] : [`${columns} ${within} ${write(to)}`]),
    // TRUE could be the name of a column.
    "1",
  ].join(" AND ");
}

/**
 * Returns a statement that moves a slice's rows, in its order. `isPartlyMoved`: some of them may have moved
 * already. Columns in `late` become NULL.
 */
export function moveSliceSql(
  { table, stageName, columns, key }: StagedRows,
  slice: Slice,
  { isPartlyMoved, late = [] }: { isPartlyMoved: boolean; late?: readonly string[] },
): { sql: string; params: SqlValue[] } {
  const params: SqlValue[] = [];
  const list = columns.join(", ");
  const values = columns.map((column) => (late.includes(column) ? "NULL" : column)).join(", ");
  const isMoved = key.map((column) => `m.${column} = ${stageName}.${column}`).join(" AND ");
  const where = [
    compareKey(key, slice, params),
    ...(isPartlyMoved && key.length > 0
      ? [`NOT EXISTS (SELECT 1 FROM ${table} AS m WHERE ${isMoved})`]
      : []),
  ];
  const order = key.map((column) => `${column} COLLATE BINARY${slice.isDescending ? " DESC" : ""}`);
  const sql =
    `INSERT INTO ${table}(${list}) SELECT ${values} FROM ${stageName} WHERE ${where.join(" AND ")}` +
    (order.length === 0 ? "" : ` ORDER BY ${order.join(", ")}`);
  return { sql, params };
}

/** The slice that contains every row of a staging table. */
export const EVERY_ROW: Slice = { after: null, to: null, isDescending: false };

/** A foreign key between tables whose rows move together. */
export interface MovedKey {
  child: StagedRows;
  parent: StagedRows;
  /** Quoted names. */
  columns: { from: string; to: string }[];
}

/** Returns the foreign keys of `child` that refer to a table in `group`. */
export async function listMovedKeys(
  source: Source,
  child: StagedRows,
  group: readonly StagedRows[],
): Promise<MovedKey[]> {
  const { rows } = await source.query({
    sql:
      'SELECT f.id, f."table", f."from", coalesce(f."to", ' +
      '(SELECT name FROM pragma_table_info(f."table") WHERE pk = f.seq + 1)) ' +
      `FROM pragma_foreign_key_list(${quoteText(child.name)}) AS f ORDER BY f.id, f.seq`,
    columns: 4,
  });
  const keys = new Map<string, MovedKey>();
  for (const [id, parentName, from, to] of rows) {
    const parent = group.find(({ name }) => name === lowerAscii(String(parentName)));
    if (parent === undefined || to === null) continue;
    const key = keys.get(String(id)) ?? { child, parent, columns: [] };
    key.columns.push({ from: quoteIdentifier(String(from)), to: quoteIdentifier(String(to)) });
    keys.set(String(id), key);
  }
  return [...keys.values()];
}

/** Returns the name and text of a trigger that skips each new row whose parent is missing. */
export function skipOrphansSql(
  { table, stageName }: StagedRows,
  keys: readonly MovedKey[],
): { name: string; sql: string } {
  const name = `${stageName}_guard`;
  const orphans = keys.map(({ child, parent, columns }) => {
    const isSet = columns.map(({ from }) => `new.${from} IS NOT NULL`);
    // Compares values as a foreign key does, with the parent's affinity and collation.
    const refers = columns.map(({ from, to }) => `p.${to} = +new.${from}`).join(" AND ");
    const isItself = columns.map(({ from, to }) => `new.${to} = +new.${from}`).join(" AND ");
    return [
      ...isSet,
      `NOT EXISTS (SELECT 1 FROM ${parent.table} AS p WHERE ${refers})`,
      ...(child === parent ? [`NOT coalesce(${isItself}, 0)`] : []),
    ].join(" AND ");
  });
  return {
    name,
    sql:
      `CREATE TRIGGER ${name} BEFORE INSERT ON ${table} ` +
      `WHEN ${orphans.map((orphan) => `(${orphan})`).join(" OR ")} ` +
      `BEGIN SELECT RAISE(IGNORE) ${RESTORE_MARK}; END`,
  };
}

/** Returns how many rows are staged and not yet in their tables, which started empty. */
export async function countStaged(source: Source, group: readonly StagedRows[]): Promise<number> {
  const counts = group.map(
    ({ stageName, table }) =>
      `(SELECT count(*) FROM ${stageName}) - (SELECT count(*) FROM ${table})`,
  );
  let count = 0;
  for (const sql of counts) {
    const { rows } = await source.query({ sql: `SELECT ${sql}` });
    count += Number(rows[0]?.[0] ?? 0);
  }
  return count;
}
