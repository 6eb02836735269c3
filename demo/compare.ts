import type { DatabaseSync } from "node:sqlite";
import { setImmediate as nextTurn } from "node:timers/promises";
import { shorten } from "../cli/format.ts";
import { quoteIdentifier, quoteText } from "../src/sqlite/identifier.ts";
import { readRows } from "./read-rows.ts";
import { readSchema, SEQUENCE_TABLE } from "./schema.ts";
import type { Schema, Table } from "./schema.ts";
import { findIndexDifference, findOptionDifference } from "./search-index.ts";
import { decodeText, exactOrderTerms, readEncoding, utf8Bytes } from "./sql-literal.ts";
import type { TextEncodingName } from "./sql-literal.ts";

const EXAMPLES_MAX = 10;
const ROWS_A_TURN = 5_000;
/** The most characters of a value, and of a definition. */
const VALUE_CHARS_MAX = 80;
const DEFINITION_CHARS_MAX = 200;

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
  /** Virtual tables without their own content: only their text, options and index are compared. */
  withoutContent: string[];
  /**
   * Equal texts that are invalid in the expected database's UTF-16, so that UTF-8 contains U+FFFD
   * instead.
   */
  mendedTexts: number;
}

export interface CompareOptions {
  /** Tables of the expected database that are known to be missing. */
  leftOut: ReadonlySet<string>;
  onRows: (rows: number) => void;
  signal: AbortSignal;
}

/**
 * Compares two databases: every schema object's text, every table's rowids, and every value by its
 * `typeof` and its characters, in the tables' own order. Text may be in another encoding, and rows
 * of `sqlite_sequence` count only for tables with AUTOINCREMENT. It does not depend on how one
 * database was made from the other. Does not throw on a difference.
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
    mendedTexts: 0,
  };
  const differ = (sentence: string | undefined) => {
    if (sentence === undefined) return;
    result.differences += 1;
    if (result.examples.length < EXAMPLES_MAX) result.examples.push(sentence);
  };
  const expectedSchema = readSchema(expected);
  const actualSchema = readSchema(actual);
  const encodings = [readEncoding(expected), readEncoding(actual)] as const;
  const found = new Set(actualSchema.tables.map(({ name }) => name));
  const tables = expectedSchema.tables.filter(({ name }) => !leftOut.has(name));
  compareObjects(expectedSchema, actualSchema, { leftOut, result, differ });
  for (const table of tables.filter(({ name }) => found.has(name))) {
    const { name, virtual } = table;
    if (virtual?.module === "fts5") differ(findOptionDifference(expected, actual, name));
    if (virtual !== undefined && virtual.content !== "rows") {
      result.withoutContent.push(name);
      if (virtual.content === "rebuild") differ(findIndexDifference(expected, actual, name));
      continue;
    }
    result.tables += 1;
    const onRow = async (values: number) => {
      result.values += values;
      result.rows += 1;
      if (result.rows % ROWS_A_TURN !== 0) return;
      onRows(result.rows);
      await nextTurn(undefined, { signal });
    };
    await compareRows({ expected, actual, table, encodings, result, differ, onRow });
  }
  const counted = tables.filter(({ isCounted }) => isCounted).map(({ name }) => name);
  if (counted.length > 0 && actualSchema.hasSequence) {
    const where = ` WHERE name IN (${counted.map(quoteText).join(", ")})`;
    const sequence = { table: SEQUENCE_TABLE, where, onRow: async () => undefined };
    await compareRows({ expected, actual, encodings, result, differ, ...sequence });
  }
  return result;
}

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
  const shown = (sql: string) => shorten(sql, DEFINITION_CHARS_MAX);
  for (const [key, { name, sql }] of listed(expected)) {
    if (leftOut.has(name)) continue;
    const other = found.get(key);
    found.delete(key);
    if (other === undefined) differ(`${key} is missing`);
    else if (other.sql === sql) result.objects += 1;
    else differ(`${key} has different text: ${shown(other.sql)} instead of ${shown(sql)}`);
  }
  for (const key of found.keys()) differ(`${key} is not in the source`);
}

type Value = null | bigint | number | string | Uint8Array;
type Encodings = readonly [TextEncodingName, TextEncodingName];

async function compareRows({
  expected,
  actual,
  table,
  where = "",
  encodings,
  result,
  differ,
  onRow,
}: {
  expected: DatabaseSync;
  actual: DatabaseSync;
  table: Table;
  where?: string;
  encodings: Encodings;
  result: Comparison;
  differ: (sentence: string) => void;
  onRow: (values: number) => Promise<void>;
}): Promise<void> {
  const names = readColumns(table);
  const sql = selectRows(table, where, encodings);
  const expectedRows = readRows<Value>(expected, sql)[Symbol.iterator]();
  const actualRows = readRows<Value>(actual, sql)[Symbol.iterator]();
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
      const [before, after] = [left.value[index] ?? null, right.value[index] ?? null];
      if (!isSame(before, after, encodings)) {
        const change = `${describeValue(after, encodings[1])} instead of ${describeValue(before, encodings[0])}`;
        differ(`${table.name} row ${position} ${name}: ${change}`);
      } else if (isMended(before, encodings)) {
        result.mendedTexts += 1;
      }
    }
    await onRow(names.length);
  }
}

function readColumns({ columns, rowidName, rowidIsColumn }: Table): string[] {
  const names = columns.map(({ name }) => name);
  return rowidName === undefined || rowidIsColumn ? names : [rowidName, ...names];
}

/**
 * Yields the rows in the order of the rowid, or of the table's own tree (NOT INDEXED). Each type of
 * SQLite arrives as one of JavaScript: integers as BigInt, REAL as number, text as its bytes, BLOB
 * as a string of hex digits.
 */
function selectRows(table: Table, where: string, encodings: Encodings): string {
  const columns = readColumns(table).map(quoteIdentifier);
  const values = columns.map(
    (column) =>
      `CASE typeof(${column}) WHEN 'text' THEN CAST(${column} AS BLOB) WHEN 'blob' THEN hex(${column}) ELSE ${column} END`,
  );
  const from = `SELECT ${values.join(", ")} FROM ${quoteIdentifier(table.name)}`;
  if (table.rowidName !== undefined) return `${from}${where} ORDER BY ${table.rowidName}`;
  // A restore renumbers hidden rowids, and another encoding orders keys differently.
  const hasOtherOrder = table.identity === "key" && encodings[0] !== encodings[1];
  if (table.identity === "hidden-rowid" || hasOtherOrder) {
    return `${from}${where} ORDER BY ${columns.map(exactOrderTerms).join(", ")}`;
  }
  return table.virtual === undefined ? `${from} NOT INDEXED${where}` : from + where;
}

function isSame(before: Value, after: Value, encodings: Encodings): boolean {
  if (Object.is(before, after)) return true;
  if (!(before instanceof Uint8Array && after instanceof Uint8Array)) return false;
  const texts = [utf8Bytes(before, encodings[0]), utf8Bytes(after, encodings[1])] as const;
  return Buffer.compare(texts[0], texts[1]) === 0;
}

/**
 * True for invalid UTF-16 if the other database has UTF-8. Bytes that are not valid UTF-8 are kept.
 */
function isMended(before: Value, [encoding, other]: Encodings): boolean {
  if (encoding === other || !(before instanceof Uint8Array)) return false;
  return decodeText(before, encoding) === undefined;
}

function describeValue(value: Value, encoding: TextEncodingName): string {
  if (value === null) return "NULL";
  if (typeof value === "bigint") return `integer ${value}`;
  if (typeof value === "number") return `real ${value}`;
  const isText = typeof value !== "string";
  const text = isText ? JSON.stringify(Buffer.from(utf8Bytes(value, encoding)).toString()) : value;
  const length = text.length > VALUE_CHARS_MAX ? ` (${text.length})` : "";
  return `${isText ? "text" : "blob"} ${shorten(text, VALUE_CHARS_MAX)}${length}`;
}
