import type { DatabaseSync, StatementSync } from "node:sqlite";

import { ExportError } from "../src/api/errors.ts";
import {
  DEFAULT_ABILITIES,
  type Source,
  type SourceResult,
  type SourceStatement,
  type SourceValue,
} from "../src/databases/source.ts";
import { StatementSplitter } from "../src/sqlite/statement-splitter.ts";

/**
 * The longest value that SQLite produces, in bytes; the same as in Durable Objects and D1. Longer pages of rows are
 * read again as shorter ones, so memory use stays constant.
 */
const VALUE_BYTES_MAX = 4 * 1024 * 1024;

/**
 * Returns `db` as a source that shows one instant: it opens a read transaction, which ends when the caller closes
 * the database. An integer that JavaScript's numbers cannot represent is an error, never a wrong number. Node
 * before 24.8 lacks `db.limits` and reads pages of any length.
 */
export function openNodeSqliteSource(db: DatabaseSync): Source {
  const { limits } = db as { limits?: { length: number } };
  if (limits !== undefined) limits.length = VALUE_BYTES_MAX;
  db.exec("BEGIN");
  const run = (statement: SourceStatement): SourceResult => {
    try {
      return runStatement(db, statement);
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      throw new ExportError("source-query-failed", message, { cause });
    }
  };
  return {
    ...DEFAULT_ABILITIES,
    hasKeyValues: false,
    query: async (statement) => run(statement),
    transaction: async (statements) => statements.map(run),
  };
}

function runStatement(db: DatabaseSync, { sql, params = [] }: SourceStatement): SourceResult {
  // Node prepares only the first statement of a text.
  const texts = sql.includes(";") ? splitText(sql) : [sql];
  for (const text of texts.slice(0, -1)) db.exec(text);
  const statement = db.prepare(texts.at(-1) ?? "");
  const columns = statement.columns().map((column) => column.name);
  const rows = readRows(statement, params);
  return { columns, rows, rowsRead: rows.length, rowsWritten: 0 };
}

function splitText(sql: string): string[] {
  const splitter = new StatementSplitter();
  const statements = [...splitter.push(Buffer.from(sql))];
  const rest = splitter.finish();
  return [...statements, ...(rest === undefined ? [] : [rest])].map(({ bytes }) =>
    Buffer.from(bytes).toString(),
  );
}

function readRows(statement: StatementSync, params: SourceValue[]): SourceValue[][] {
  statement.setReturnArrays(true);
  const bound = params.map((value) =>
    value instanceof ArrayBuffer ? new Uint8Array(value) : value,
  );
  const rows = statement.all(...bound) as unknown as unknown[][];
  return rows.map((row) =>
    row.map((value) => (value instanceof Uint8Array ? toOwnBuffer(value) : (value as SourceValue))),
  );
}

/**
 * Returns the buffer of a BLOB. The buffer must contain nothing else, because a page is released by detaching it.
 */
function toOwnBuffer(value: Uint8Array): ArrayBuffer {
  const { buffer, byteLength } = value;
  const isWhole = buffer instanceof ArrayBuffer && buffer.byteLength === byteLength;
  return isWhole ? buffer : new Uint8Array(value).buffer;
}
