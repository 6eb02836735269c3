import type { DatabaseSync } from "node:sqlite";
import { quoteIdentifier } from "../src/sqlite/identifier.ts";
import { readRows } from "./read-rows.ts";
import type { Table } from "./schema.ts";
import { blobLiteral, exactValueExpression, sqlLiteral, utf8Bytes } from "./sql-literal.ts";
import type { ExactValue, TextEncodingName } from "./sql-literal.ts";

/** A Durable Object accepts statements of up to 100,000 bytes. */
const STATEMENT_BYTES_MAX = 95_000;
/**
 * With more values, SQLite accepts only one row per statement: it counts the values of several rows
 * as columns of a result.
 */
const MULTI_ROW_VALUES_MAX = 100;
/** Twice as many characters, as hex. */
const PIECE_BYTES = 40_000;

export interface InsertStatement {
  sql: string;
  /** The number of complete rows after it. */
  rows: number;
}

export interface InsertOptions {
  encoding: TextEncodingName;
  /** Table for the pieces of rows that are longer than a statement: `stageTableSql` creates it. */
  stageTable: string;
}

/**
 * The table into which `insertStatements` puts the pieces of long rows. It is empty between rows.
 */
export function stageTableSql(stageTable: string): string {
  return `CREATE TABLE IF NOT EXISTS ${quoteIdentifier(stageTable)} (value INTEGER, piece INTEGER, bytes BLOB)`;
}

/**
 * Yields the statements that write every row of `table`, each under 95,000 bytes, with rowids if
 * the table has hidden ones. Run them in this order.
 */
export function* insertStatements(
  db: DatabaseSync,
  table: Table,
  options: InsertOptions,
): Generator<InsertStatement> {
  const head = insertHead(table);
  const headBytes = Buffer.byteLength(head);
  let tuples: string[] = [];
  let bytes = 0;
  const flush = () => {
    const statement = { sql: head + tuples.join(",\n"), rows: tuples.length };
    tuples = [];
    bytes = 0;
    return statement;
  };
  for (const row of exactRows(db, table)) {
    const literals = row.map((value) => sqlLiteral(value, options.encoding));
    const tuple = `(${literals.join(",")})`;
    const tupleBytes = Buffer.byteLength(tuple) + 2;
    const fits =
      row.length <= MULTI_ROW_VALUES_MAX && headBytes + bytes + tupleBytes <= STATEMENT_BYTES_MAX;
    if (!fits && tuples.length > 0) yield flush();
    if (headBytes + tupleBytes > STATEMENT_BYTES_MAX) {
      yield* stagedInsert(head, { row, literals }, options);
    } else {
      tuples.push(tuple);
      bytes += tupleBytes;
    }
  }
  if (tuples.length > 0) yield flush();
}

/** The start of an INSERT into `table`, up to its first row. */
export function insertHead(table: Table): string {
  const columns = writtenColumns(table).map(quoteIdentifier);
  return `INSERT INTO ${quoteIdentifier(table.name)}(${columns.join(",")}) VALUES\n`;
}

function writtenColumns({ columns, rowidName, rowidIsColumn }: Table): string[] {
  const names = columns.filter(({ stored }) => stored).map(({ name }) => name);
  return rowidName === undefined || rowidIsColumn ? names : [rowidName, ...names];
}

function exactRows(db: DatabaseSync, table: Table): Iterable<ExactValue[]> {
  const values = writtenColumns(table).map((name) => exactValueExpression(quoteIdentifier(name)));
  const order = table.rowidName === undefined ? "" : ` ORDER BY ${table.rowidName}`;
  return readRows(db, `SELECT ${values.join(", ")} FROM ${quoteIdentifier(table.name)}${order}`);
}

/**
 * A row that exceeds the length of a statement: its longest values go into the stage piece by
 * piece, and one INSERT assembles them, so that constraints see the whole row at once.
 */
function* stagedInsert(
  head: string,
  { row, literals }: { row: ExactValue[]; literals: string[] },
  { encoding, stageTable }: InsertOptions,
): Generator<InsertStatement> {
  const stage = quoteIdentifier(stageTable);
  const staged = [...literals];
  const longestFirst = literals.map((_, index) => index);
  longestFirst.sort((a, b) => (literals[b]?.length ?? 0) - (literals[a]?.length ?? 0));
  for (const index of longestFirst) {
    if (Buffer.byteLength(head + staged.join(",")) + 2 <= STATEMENT_BYTES_MAX) break;
    const { bytes, type } = stageableBytes(row[index] ?? null, encoding);
    for (let at = 0, piece = 0; at < bytes.length; at += PIECE_BYTES, piece += 1) {
      const literal = blobLiteral(bytes.subarray(at, at + PIECE_BYTES));
      yield { sql: `INSERT INTO ${stage} VALUES (${index}, ${piece}, ${literal})`, rows: 0 };
    }
    staged[index] =
      `(SELECT CAST(group_concat(bytes, '') AS ${type}) FROM (SELECT bytes FROM ${stage} WHERE value = ${index} ORDER BY piece))`;
  }
  yield { sql: `${head}(${staged.join(",")})`, rows: 1 };
  yield { sql: `DELETE FROM ${stage}`, rows: 0 };
}

function stageableBytes(value: ExactValue, encoding: TextEncodingName) {
  if (value instanceof Uint8Array) return { bytes: utf8Bytes(value, encoding), type: "TEXT" };
  // A literal made by quote(), X'…'.
  return { bytes: Buffer.from(String(value).slice(2, -1), "hex"), type: "BLOB" };
}
