import type { DatabaseSync } from "node:sqlite";

/** Differences that a comparison may ignore, because the dump reports them. */
export interface ComparisonOptions {
  /** Tables that the dump leaves out with a warning, with the objects that belong to them. */
  skippedTables?: string[];
  /** Tables whose rows cannot be read back, so that the dump restores them empty. */
  emptiedTables?: string[];
  /** Tables whose rows cannot be read in either database, for the same reason. */
  unreadableTables?: string[];
}

type Cell = bigint | number | string | Uint8Array | null;

interface Entry {
  type: string;
  name: string;
  tableName: string;
  sql: string;
}

/** The most differences reported for one table or list. */
const DIFFERENCES_MAX = 4;

/**
 * Returns the differences between two databases, in sentences. The list is empty if `actual` is an
 * exact copy: each table has the same rows with the same rowids, each value the same type and the
 * same bytes, each schema object the same text. It reads with its own plain SQL and shares no code
 * with the dump. Like the dump, it leaves out statistics (`sqlite_stat1`) and the tables of the
 * runtime.
 */
export function compareDatabases(
  expected: DatabaseSync,
  actual: DatabaseSync,
  options: ComparisonOptions = {},
): string[] {
  for (const db of [expected, actual]) liftLimits(db);
  const skipped = new Set(options.skippedTables);
  const differences = compareSchemas(expected, actual, skipped);
  for (const table of tablesOf(expected)) {
    if (skipped.has(table.name)) continue;
    if (options.emptiedTables?.includes(table.name) === true) {
      if (hasTokens(actual, table.name)) differences.push(`${table.name}: is not empty`);
      continue;
    }
    if (options.unreadableTables?.includes(table.name) === true) {
      const [before, after] = [expected, actual].map((db) => findReadError(db, table.name));
      if (before === undefined || before !== after) {
        differences.push(`${table.name}: reading fails with ${after}, and before with ${before}`);
      }
      continue;
    }
    differences.push(...compareTables(expected, actual, table));
  }
  differences.push(...compareSequences(expected, actual));
  // SQLite's own check mistakes a STRICT column after a virtual generated one for another column's
  // value, even in databases that were never dumped: both must return the same.
  const [before, after] = [expected, actual].map((db) =>
    JSON.stringify(db.prepare("PRAGMA integrity_check").all()),
  );
  if (after !== before) differences.push(`integrity check: ${after}, and before ${before}`);
  return differences;
}

/** Why a table's rows cannot be read; undefined if they can. */
export function findReadError(db: DatabaseSync, table: string): string | undefined {
  try {
    db.prepare(`SELECT * FROM ${quoted(table)}`).all();
    return undefined;
  } catch (error) {
    return String(error);
  }
}

function isCompared(name: string): boolean {
  return !/^(sqlite_|_cf_|__miniflare_do_name$)/i.test(name);
}

function entriesOf(db: DatabaseSync): Entry[] {
  const rows = rawRows(db, "SELECT type, name, tbl_name, sql FROM sqlite_master");
  return rows
    .filter((row) => row[3] !== null)
    .map((row) => ({
      type: String(row[0]),
      name: String(row[1]),
      tableName: String(row[2]),
      sql: String(row[3]),
    }))
    .filter((entry) => isCompared(entry.name) && isCompared(entry.tableName));
}

/**
 * SQL that is true for a customer's table with a shadow table's name; FTS5 quotes the names of its
 * own that way.
 */
const IS_NO_SHADOW =
  "(l.type = 'shadow' AND l.name LIKE '%\\_content' ESCAPE '\\' AND m.sql NOT LIKE 'CREATE TABLE ''%')";

interface TableShape {
  name: string;
  type: string;
  module: string;
  withoutRowid: boolean;
}

function tablesOf(db: DatabaseSync): TableShape[] {
  const rows = rawRows(
    db,
    `SELECT l.name, l.type, l.wr, m.sql FROM pragma_table_list AS l JOIN sqlite_master AS m
       ON m.name = l.name AND m.type = 'table'
     WHERE l.schema = 'main' AND (l.type IN ('table', 'virtual') OR ${IS_NO_SHADOW})`,
  );
  return rows
    .map((row) => ({
      name: String(row[0]),
      type: String(row[1]),
      withoutRowid: Number(row[2]) === 1,
      module: /\bUSING\s+["'[`]?(\w+)/i.exec(String(row[3]))?.[1]?.toLowerCase() ?? "",
    }))
    .filter((table) => isCompared(table.name));
}

function compareSchemas(
  expected: DatabaseSync,
  actual: DatabaseSync,
  skipped: Set<string>,
): string[] {
  // The tables in which a skipped virtual table keeps its rows are skipped too.
  const isSkipped = (name: string): boolean =>
    skipped.has(name) || [...skipped].some((table) => name.startsWith(`${table}_`));
  const kept = (entry: Entry): boolean => !isSkipped(entry.name) && !isSkipped(entry.tableName);
  const textOf = (db: DatabaseSync): Map<string, string> =>
    new Map(
      entriesOf(db)
        .filter(kept)
        .map((entry) => [
          `${entry.type} ${JSON.stringify(entry.name)}`,
          `${entry.tableName}: ${entry.sql}`,
        ]),
    );
  const expectedText = textOf(expected);
  const actualText = textOf(actual);
  const differences: string[] = [];
  for (const [key, sql] of expectedText) {
    const found = actualText.get(key);
    if (found === undefined) differences.push(`${key} is missing`);
    else if (found !== sql) {
      differences.push(`${key} is ${JSON.stringify(found)}, not ${JSON.stringify(sql)}`);
    }
  }
  for (const key of actualText.keys()) {
    if (!expectedText.has(key)) differences.push(`${key} was not in the source`);
  }
  return differences;
}

function compareTables(expected: DatabaseSync, actual: DatabaseSync, table: TableShape): string[] {
  if (table.type === "virtual" && !/^(fts[345]|rtree|rtree_i32)$/.test(table.module)) return [];
  const reader = readerOf(expected, table);
  const differences = compareRows(table.name, reader, expected, actual);
  if (table.module === "fts5") {
    differences.push(...compareIndex(expected, actual, table.name));
    // Its options are in a shadow table, in which one row is the format's version.
    const config = quoted(`${table.name}_config`);
    const sql = `SELECT k, typeof(v), v FROM ${config} WHERE k <> 'version' ORDER BY k`;
    differences.push(
      ...compareRows(`${table.name}_config`, { names: ["k", "v"], sql, keys: 1 }, expected, actual),
    );
  }
  return differences;
}

/** The ids that an FTS5 table indexes, and how many words it found in each column. */
function compareIndex(expected: DatabaseSync, actual: DatabaseSync, name: string): string[] {
  const shadow = `${name}_docsize`;
  const isThere = "SELECT 1 FROM pragma_table_info(?) WHERE name = 'sz'";
  if (rawRows(expected, isThere, shadow).length === 0) return [];
  const sql = `SELECT id, typeof(sz), sz FROM ${quoted(shadow)} ORDER BY id`;
  return compareRows(shadow, { names: ["id", "sz"], sql, keys: 1 }, expected, actual);
}

/**
 * A SELECT that returns `keys` plain values, then a type and a value for each of the other names.
 */
interface Reader {
  names: string[];
  sql: string;
  keys: number;
  unordered?: true;
}

function readerOf(db: DatabaseSync, table: TableShape): Reader {
  const columns = rawRows(
    db,
    "SELECT name, hidden, pk FROM pragma_table_xinfo(?) ORDER BY cid",
    table.name,
  );
  const names = columns.filter((column) => Number(column[1]) !== 1).map((row) => String(row[0]));
  // A hidden column of an FTS5 table has the table's name, which may be `rowid`.
  const taken = new Set(columns.map((column) => String(column[0]).toLowerCase()));
  const rowid = table.withoutRowid
    ? undefined
    : ["rowid", "_rowid_", "oid"].find((name) => !taken.has(name));
  const from = quoted(table.name);
  const cells = names.map((name) => {
    const column = quoted(name);
    return `typeof(${column}), CASE typeof(${column}) WHEN 'text' THEN CAST(${column} AS BLOB) ELSE ${column} END`;
  });
  if (rowid !== undefined) {
    const sql = `SELECT ${[rowid, ...cells].join(", ")} FROM ${from} ORDER BY ${rowid}`;
    return { names: ["rowid", ...names], sql, keys: 1 };
  }
  if (!table.withoutRowid) {
    // No SQL can read the rowid, and so not the order that depends on it.
    return { names, sql: `SELECT ${cells.join(", ")} FROM ${from}`, keys: 0, unordered: true };
  }
  const keys = columns.filter((column) => Number(column[2]) > 0);
  const order = keys
    .sort((a, b) => Number(a[2]) - Number(b[2]))
    .map((column) => quoted(String(column[0])));
  return {
    names,
    sql: `SELECT ${cells.join(", ")} FROM ${from} ORDER BY ${order.join(", ")}`,
    keys: 0,
  };
}

/** The reader's rows, sorted if they have no order. */
function rowsOf(db: DatabaseSync, reader: Reader): Iterator<Cell[]> & Iterable<Cell[]> {
  if (reader.unordered !== true) return iterateRows(db, reader.sql);
  const textOf = (row: Cell[]): string =>
    row
      .map((cell) => (cell instanceof Uint8Array ? Buffer.from(cell).toString("hex") : shown(cell)))
      .join("|");
  const rows = rawRows(db, reader.sql).map((row) => ({ row, text: textOf(row) }));
  rows.sort((a, b) => (a.text < b.text ? -1 : 1));
  return rows.map(({ row }) => row).values();
}

function compareRows(
  name: string,
  reader: Reader,
  expected: DatabaseSync,
  actual: DatabaseSync,
): string[] {
  const differences: string[] = [];
  let actualRows: Iterator<Cell[]>;
  try {
    actualRows = rowsOf(actual, reader);
  } catch (error) {
    return [`${name}: ${String(error)}`];
  }
  let row = 0;
  for (const expectedRow of rowsOf(expected, reader)) {
    row += 1;
    const next = actualRows.next();
    if (next.done === true) return [...differences, `${name}: row ${row} is missing`];
    differences.push(...compareCells(`${name}, row ${row}`, reader, expectedRow, next.value));
    if (differences.length >= DIFFERENCES_MAX) return differences;
  }
  if (actualRows.next().done !== true) differences.push(`${name}: has more than ${row} rows`);
  return differences;
}

function compareCells(where: string, reader: Reader, expected: Cell[], actual: Cell[]): string[] {
  const differences: string[] = [];
  for (const [at, name] of reader.names.entries()) {
    const value = at < reader.keys ? at : reader.keys + (at - reader.keys) * 2 + 1;
    const type = at < reader.keys ? "integer" : String(expected[value - 1]);
    const found = at < reader.keys ? "integer" : String(actual[value - 1]);
    if (type !== found || !isSame(expected[value] as Cell, actual[value] as Cell)) {
      differences.push(
        `${where}, column ${JSON.stringify(name)}: ${found} ${shown(actual[value] as Cell)}, not ${type} ${shown(expected[value] as Cell)}`,
      );
    }
  }
  return differences;
}

/**
 * Byte for byte: `Object.is` distinguishes 0.0 from -0.0, and no other two doubles of SQLite look
 * alike.
 */
function isSame(expected: Cell, actual: Cell): boolean {
  if (expected instanceof Uint8Array && actual instanceof Uint8Array) {
    return Buffer.compare(expected, actual) === 0;
  }
  return Object.is(expected, actual);
}

/** A value for a person: complete if it is short. */
function shown(value: Cell): string {
  if (value instanceof Uint8Array) {
    const hex = Buffer.from(value.subarray(0, 40)).toString("hex");
    const text = JSON.stringify(Buffer.from(value.subarray(0, 40)).toString("utf8"));
    return `${value.byteLength} bytes ${hex} ${text}`;
  }
  return Object.is(value, -0) ? "-0.0" : String(value);
}

function compareSequences(expected: DatabaseSync, actual: DatabaseSync): string[] {
  const exists = (db: DatabaseSync): boolean =>
    rawRows(db, "SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'").length > 0;
  if (!exists(expected)) return exists(actual) ? ["sqlite_sequence was not in the source"] : [];
  if (!exists(actual)) return ["sqlite_sequence is missing"];
  const sql =
    "SELECT typeof(name), CAST(name AS BLOB), typeof(seq), CASE typeof(seq) WHEN 'text' THEN CAST(seq AS BLOB) ELSE seq END FROM sqlite_sequence ORDER BY name, seq";
  return compareRows("sqlite_sequence", { names: ["name", "seq"], sql, keys: 0 }, expected, actual);
}

/**
 * True if an FTS5 table contains anything: its first two records are its structure and averages.
 */
function hasTokens(db: DatabaseSync, table: string): boolean {
  return rawRows(db, `SELECT 1 FROM ${quoted(`${table}_data`)} WHERE id > 10`).length > 0;
}

/** The comparison's own queries are wider than the platform allows for a dump's reader. */
function liftLimits(db: DatabaseSync): void {
  db.limits.column = 2_000;
  db.limits.functionArg = 1_000;
  db.limits.length = 1_000_000_000;
  db.limits.sqlLength = 1_000_000_000;
}

function* iterateRows(db: DatabaseSync, sql: string, ...params: string[]): Generator<Cell[]> {
  const statement = db.prepare(sql);
  statement.setReadBigInts(true);
  statement.setReturnArrays(true);
  for (const row of statement.iterate(...params)) yield row as unknown as Cell[];
}

function rawRows(db: DatabaseSync, sql: string, ...params: string[]): Cell[][] {
  return [...iterateRows(db, sql, ...params)];
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
