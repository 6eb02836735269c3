import type { DurableObject } from "cloudflare:workers";

import { runKeyValueCommand } from "./key-value-commands.ts";
import type { Outcome } from "../../rpc/outcome.ts";
import { runAllOrNothing } from "./run-all-or-nothing.ts";

/** One SQL text of at most 100,000 bytes, which may contain several statements. */
export interface ExportQuery {
  sql: string;
  params?: unknown[];
}

/** What the last statement of a query returned, with columns of the same name kept apart. */
export interface RawQueryResult {
  columns: string[];
  rows: SqlStorageValue[][];
  /** `size_after` is the size of the object's database, in bytes. */
  meta: { rows_read: number; rows_written: number; size_after: number };
}

/**
 * With `isRaw` the former, otherwise the latter, in which the last of two columns with the same
 * name wins.
 */
export type QueryResult = RawQueryResult | Record<string, SqlStorageValue>[];

/**
 * The two methods, called over RPC, that make a Durable Object exportable. They run any SQL: make a
 * class with them available only to Workers that you trust, and never to a route without
 * authorization.
 */
export interface ExportMethods {
  /** Throws SQLite's error; only the failed statement is rolled back. */
  executeQuery(query: ExportQuery & { isRaw?: boolean }): QueryResult;
  /** Runs all `queries` in one turn of the object. If one throws, none takes effect. */
  executeTransaction(queries: ExportQuery[], isRaw: boolean): QueryResult[];
}

/**
 * The method that `POST /query` calls. A class without it does not roll back the statements before
 * an error.
 */
export interface QueryMethod {
  /** Like `runAllOrNothing`: one transaction, whose rows may have `bytesMax` bytes. */
  queryAllOrNothing(
    queries: ExportQuery[],
    bytesMax: number,
  ): Outcome<Record<string, SqlStorageValue>[][]>;
}

// TypeScript requires exactly this form of constructor for mixins (TS2545).
// oxlint-disable-next-line typescript/no-explicit-any
type ObjectClass = abstract new (...args: any[]) => DurableObject<any>;
// oxlint-disable-next-line typescript/no-explicit-any
type WithMethods = abstract new (...args: any[]) => ExportMethods & QueryMethod;

/**
 * Adds to `Base` the two methods that make its objects sources, over their own SQLite and key-value
 * storage: `class Tenant extends withExport(DurableObject<Env>) {}`.
 */
export function withExport<TBase extends ObjectClass>(Base: TBase): TBase & WithMethods {
  abstract class Exportable extends Base implements ExportMethods, QueryMethod {
    executeQuery(query: ExportQuery & { isRaw?: boolean }): QueryResult {
      return run(this.ctx.storage, query, query.isRaw === true);
    }

    executeTransaction(queries: ExportQuery[], isRaw: boolean): QueryResult[] {
      const { storage } = this.ctx;
      return storage.transactionSync(() => queries.map((query) => run(storage, query, isRaw)));
    }

    queryAllOrNothing(
      queries: ExportQuery[],
      bytesMax: number,
    ): Outcome<Record<string, SqlStorageValue>[][]> {
      return runAllOrNothing(this.ctx.storage, queries, bytesMax);
    }
  }
  return Exportable;
}

function run(
  storage: DurableObjectStorage,
  { sql, params = [] }: ExportQuery,
  isRaw: boolean,
): QueryResult {
  const answer = runKeyValueCommand(storage, sql);
  if (answer !== undefined) {
    const size_after = storage.sql.databaseSize;
    const meta = { rows_read: 0, rows_written: answer.rowsWritten, size_after };
    return isRaw ? { columns: ["answer"], rows: [answer.row], meta } : [];
  }
  const cursor = storage.sql.exec(sql, ...(params as SqlStorageValue[]));
  if (!isRaw) return cursor.toArray();
  const rows = [...cursor.raw()];
  return {
    columns: cursor.columnNames,
    rows,
    meta: {
      rows_read: cursor.rowsRead,
      rows_written: cursor.rowsWritten,
      size_after: storage.sql.databaseSize,
    },
  };
}
