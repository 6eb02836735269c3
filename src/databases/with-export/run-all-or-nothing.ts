import { hasSeveralStatements } from "../../sqlite/several-statements.ts";
import { isWord, tokenizeSql } from "../../sqlite/sql-tokens.ts";
import type { Outcome } from "../../rpc/outcome.ts";
import { ExportError } from "../../api/errors.ts";
import { runKeyValueCommand } from "./key-value-commands.ts";

type Row = Record<string, SqlStorageValue>;

/** The most rows of a read-only result that are skipped after the limit is reached. */
const SKIPPED_ROWS_MAX = 100_000;

/**
 * Runs `queries` in one transaction and returns the rows of each; for a query with several
 * statements, those of its last one. If any query fails, nothing is changed. `bytesMax` limits the
 * rows as they cross RPC. Failures: `query-failed` with the database's words,
 * `query-result-too-large`.
 */
export function runAllOrNothing(
  storage: DurableObjectStorage,
  queries: readonly { sql: string; params?: unknown[] }[],
  bytesMax: number,
): Outcome<Row[][]> {
  let bytes = 0;
  const read = ({ sql, params = [] }: { sql: string; params?: unknown[] }): Row[] => {
    // The entries of a dump that is being restored.
    if (runKeyValueCommand(storage, sql) !== undefined) return [];
    const cursor = storage.sql.exec<Row>(sql, ...(params as SqlStorageValue[]));
    const rows: Row[] = [];
    for (const row of cursor) {
      bytes += rowBytes(row);
      if (bytes > bytesMax) {
        skipRest(cursor);
        throw new ExportError(
          "query-result-too-large",
          `the rows are larger than ${bytesMax} bytes; nothing was changed`,
        );
      }
      rows.push(row);
    }
    return rows;
  };
  const readAll = (): Row[][] => queries.map(read);
  try {
    // `PRAGMA foreign_keys` does nothing within a transaction.
    const value = isPragma(queries) ? readAll() : storage.transactionSync(readAll);
    return { ok: true, value };
  } catch (error) {
    if (error instanceof ExportError) return { ok: false, failure: error.toFailure() };
    const message = error instanceof Error ? error.message : String(error);
    const details = { changed: "nothing" };
    return { ok: false, failure: { code: "query-failed", message, details } };
  }
}

/**
 * Reads a cursor to its end. An open cursor locks the tables of the database, and one of a
 * statement that writes breaks the object when its transaction is rolled back (workerd 1.20261117).
 * A result that never ends can only come from a read: it is left to the garbage collector.
 */
function skipRest(cursor: SqlStorageCursor<Row>): void {
  let skipped = 0;
  for (const _ of cursor.raw()) {
    skipped += 1;
    if (skipped > SKIPPED_ROWS_MAX && cursor.rowsWritten === 0) return;
  }
}

function isPragma(queries: readonly { sql: string }[]): boolean {
  const [query, ...others] = queries;
  if (query === undefined || others.length > 0) return false;
  const [first] = tokenizeSql(query.sql);
  return isWord(first, "PRAGMA") && !hasSeveralStatements(query.sql);
}

/**
 * The minimum size of a row in V8's serialization, which repeats the names of columns in each row.
 */
function rowBytes(row: Row): number {
  let bytes = 32;
  for (const [name, value] of Object.entries(row)) bytes += textBytes(name) + valueBytes(value);
  return bytes;
}

function valueBytes(value: SqlStorageValue): number {
  if (typeof value === "string") return textBytes(value);
  return value instanceof ArrayBuffer ? value.byteLength + 16 : 12;
}

function textBytes(text: string): number {
  return 8 + text.length * (/[^\0-\xff]/.test(text) ? 2 : 1);
}
