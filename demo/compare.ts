import type { DatabaseSync } from "node:sqlite";
import { setImmediate as nextTurn } from "node:timers/promises";
import { readSchema } from "./schema.ts";
import type { Schema, Table } from "./schema.ts";
import { quoteName, utf8Bytes } from "./sql-literal.ts";
import type { TextEncodingName } from "./sql-literal.ts";

const EXAMPLES_MAX = 10;
const ROWS_A_TURN = 5_000;

export interface Comparison {
  tables: number;
  rows: number;
  values: number;
  /** Indexes, views, triggers and tables whose text is the same. */
  objects: number;
  /** How many differences there are. */
  differences: number;
  /** The first ten, each as a sentence. */
  examples: string[];
  /** Virtual tables with no content of their own: only their text and index are compared. */
  withoutContent: string[];
}

export interface CompareOptions {
  /** Tables of the expected database that are known to be missing. */
  leftOut: ReadonlySet<string>;
  onRows: (rows: number) => void;
  signal: AbortSignal;
}

/**
 * Compares two databases: every schema object's text, every table's rowids, and every value by its
 * `typeof` and its bytes, in the tables' own order. Independent of how the one was made from the
 * other. Does not throw on a difference.
 */
export async function compareDatabases(
  expected: DatabaseSync,
  actual: DatabaseSync,
  { leftOut, onRows, signal }: CompareOptions,
): Promise<Comparison> {
  const result: Comparison = {
    tables: 0,
    rows: 0,
    values: 0,
    objects: 0,
    differences: 0,
    examples: [],
    withoutContent: [],
  };
  const differ = (sentence: string) => {
    result.differences += 1;
    if (result.examples.length < EXAMPLES_MAX) result.examples.push(sentence);
  };
  const expectedSchema = readSchema(expected);
  const actualTables = new Map(readSchema(actual).tables.map((table) => [table.name, table]));
  compareObjects(expectedSchema, readSchema(actual), { leftOut, result, differ });
  const tables = expectedSchema.tables.filter(({ name }) => !leftOut.has(name));
  if (expectedSchema.hasSequence) tables.push(SEQUENCE);
  for (const table of tables) {
    if (table !== SEQUENCE && !actualTables.has(table.name)) continue;
    if (table.virtual !== undefined && table.virtual.content !== "rows") {
      result.withoutContent.push(table.name);
      if (table.virtual.content === "rebuild") compareIndex(expected, actual, table.name, differ);
      continue;
    }
    if (table !== SEQUENCE) result.tables += 1;
    await compareRows({ expected, actual, table, result, differ, onRows, signal });
  }
  return result;
}

/** AUTOINCREMENT's table: its rows have an order, but their rowids say nothing. */
const SEQUENCE: Table = {
  name: "sqlite_sequence",
  sql: "",
  columns: ["name", "seq"].map((name) => ({ name, stored: true })),
  rowidName: undefined,
  rowidIsColumn: false,
  virtual: undefined,
};

function compareObjects(
  expected: Schema,
  actual: Schema,
  {
    leftOut,
    result,
    differ,
  }: { leftOut: ReadonlySet<string>; result: Comparison; differ: (sentence: string) => void },
): void {
  const listed = ({ tables, objects }: Schema) =>
    new Map(
      [...tables.map((table) => ({ type: "table", ...table })), ...objects].map(
        ({ type, name, sql }) => [`${type} ${name}`, { name, sql }],
      ),
    );
  const found = listed(actual);
  for (const [key, { name, sql }] of listed(expected)) {
    if (leftOut.has(name)) continue;
    const other = found.get(key);
    found.delete(key);
    if (other === undefined) differ(`${key} is missing`);
    else if (other.sql === sql) result.objects += 1;
    else differ(`${key} has another text: ${other.sql} instead of ${sql}`);
  }
  for (const key of found.keys()) differ(`${key} is not in the source`);
  if (expected.hasSequence && !actual.hasSequence) differ("sqlite_sequence is missing");
}

/** Compares which rows an FTS5 index has, and how many words it found in each of their columns. */
function compareIndex(
  expected: DatabaseSync,
  actual: DatabaseSync,
  name: string,
  differ: (sentence: string) => void,
): void {
  const sizes = quoteName(`${name}_docsize`);
  const hasSizes = "SELECT 1 FROM pragma_table_info(?) WHERE name = 'sz'";
  if (expected.prepare(hasSizes).get(`${name}_docsize`) === undefined) return;
  const list = (db: DatabaseSync) =>
    db.prepare(`SELECT CAST(id AS TEXT) AS id, hex(sz) AS words FROM ${sizes} ORDER BY id`).all();
  const words = ({ id, words: found }: Record<string, unknown>) => `${String(id)} ${String(found)}`;
  const left = list(expected).map(words);
  const right = new Set(list(actual).map(words));
  const other = left.filter((entry) => !right.has(entry)).length;
  if (other > 0 || left.length !== right.size) {
    differ(
      `${name} indexes ${right.size} rows instead of ${left.length}, ${other} of which differ`,
    );
  }
}

type Value = null | bigint | number | string | Uint8Array;

async function compareRows({
  expected,
  actual,
  table,
  result,
  differ,
  onRows,
  signal,
}: {
  expected: DatabaseSync;
  actual: DatabaseSync;
  table: Table;
  result: Comparison;
  differ: (sentence: string) => void;
  onRows: (rows: number) => void;
  signal: AbortSignal;
}): Promise<void> {
  const names = readColumns(table);
  const expectedRows = rowsOf(expected, table)[Symbol.iterator]();
  const actualRows = rowsOf(actual, table)[Symbol.iterator]();
  const encodings = [encodingOf(expected), encodingOf(actual)] as const;
  for (let position = 1; ; position += 1) {
    const left = expectedRows.next();
    const right = actualRows.next();
    if (left.done === true || right.done === true) {
      if (left.done !== right.done) {
        const side = left.done === true ? "more" : "fewer";
        differ(`${table.name} has ${side} rows than the source, from row ${position} on`);
      }
      return;
    }
    for (const [index, name] of names.entries()) {
      const difference = describeDifference(left.value[index], right.value[index], encodings);
      if (difference !== undefined) differ(`${table.name} row ${position} ${name}: ${difference}`);
    }
    if (table === SEQUENCE) continue;
    result.values += names.length;
    result.rows += 1;
    if (result.rows % ROWS_A_TURN === 0) {
      onRows(result.rows);
      await nextTurn(undefined, { signal });
    }
  }
}

function readColumns({ columns, rowidName, rowidIsColumn }: Table): string[] {
  const names = columns.map(({ name }) => name);
  return rowidName === undefined || rowidIsColumn ? names : [rowidName, ...names];
}

/**
 * The rows in rowid order, or in that of the table's own tree (NOT INDEXED) where it has no
 * readable rowid. Each type of SQLite arrives as one of JavaScript: integers as BigInt, REAL as
 * number, text as its bytes, BLOB as a string of hex digits.
 */
function rowsOf(db: DatabaseSync, table: Table): Iterable<Value[]> {
  const values = readColumns(table).map((name) => {
    const column = quoteName(name);
    return `CASE typeof(${column}) WHEN 'text' THEN CAST(${column} AS BLOB) WHEN 'blob' THEN hex(${column}) ELSE ${column} END`;
  });
  let order = table.virtual === undefined ? " NOT INDEXED" : "";
  if (table.rowidName !== undefined) order = ` ORDER BY ${table.rowidName}`;
  const select = db.prepare(`SELECT ${values.join(", ")} FROM ${quoteName(table.name)}${order}`);
  select.setReadBigInts(true);
  select.setReturnArrays(true);
  return select.iterate() as unknown as Iterable<Value[]>;
}

function encodingOf(db: DatabaseSync): TextEncodingName {
  return (db.prepare("PRAGMA encoding").get() as { encoding: TextEncodingName }).encoding;
}

function describeDifference(
  left: Value | undefined,
  right: Value | undefined,
  encodings: readonly [TextEncodingName, TextEncodingName],
): string | undefined {
  if (Object.is(left, right)) return undefined;
  if (left instanceof Uint8Array && right instanceof Uint8Array) {
    const texts = [utf8Bytes(left, encodings[0]), utf8Bytes(right, encodings[1])] as const;
    if (Buffer.compare(texts[0], texts[1]) === 0) return undefined;
  }
  return `${describeValue(right)} instead of ${describeValue(left)}`;
}

function describeValue(value: Value | undefined): string {
  if (value === null || value === undefined) return "NULL";
  if (typeof value === "bigint") return `integer ${value}`;
  if (typeof value === "number") return `real ${value}`;
  if (typeof value === "string") return `blob ${shorten(value)}`;
  return `text ${shorten(JSON.stringify(Buffer.from(value).toString()))}`;
}

function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}… (${text.length})` : text;
}
