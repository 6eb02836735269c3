import type { DurableObject } from "cloudflare:workers";

import { runKeyValueCommand } from "./key-value-commands.ts";
import type { Outcome } from "../../rpc/outcome.ts";
import { runAllOrNothing } from "./run-all-or-nothing.ts";

/** One SQL text of at most 100,000 bytes, which may hold several statements. */
export interface ExportQuery {
  sql: string;
  params?: unknown[];
}

/** What the last statement of a query returned, columns of one name kept apart. */
export interface RawQueryResult {
  columns: string[];
  rows: SqlStorageValue[][];
  /** `size_after` is the size of the object's database, in bytes. */
  meta: { rows_read: number; rows_written: number; size_after: number };
}

/** With `isRaw` the one, else the other, in which of two columns of one name the last wins. */
export type QueryResult = RawQueryResult | Record<string, SqlStorageValue>[];

/**
 * The two methods by which a Durable Object is exported, called over RPC. They run any SQL: give a
 * class that has them only to Workers that you trust, and never to a route without authorization.
 */
export interface ExportMethods {
  /** Throws what SQLite says; nothing is rolled back but the failed statement. */
  executeQuery(query: ExportQuery & { isRaw?: boolean }): QueryResult;
  /** Runs all `queries` in one turn of the object. If one throws, none has happened. */
  executeTransaction(queries: ExportQuery[], isRaw: boolean): QueryResult[];
}

/** What `POST /query` calls. A class without it does not roll back what came before an error. */
export interface QueryMethod {
  /** As `runAllOrNothing` has it: one transaction, whose rows may have `bytesMax` bytes. */
  queryAllOrNothing(
    queries: ExportQuery[],
    bytesMax: number,
  ): Outcome<Record<string, SqlStorageValue>[][]>;
}

// TypeScript asks mixins for exactly this form of constructor (TS2545).
// oxlint-disable-next-line typescript/no-explicit-any
type ObjectClass = abstract new (...args: any[]) => DurableObject<any>;
// oxlint-disable-next-line typescript/no-explicit-any
type WithMethods = abstract new (...args: any[]) => ExportMethods & QueryMethod;

/**
 * `Base` with the two methods that make its objects sources, over their own SQLite and key-value storage:
 * `class Tenant extends withExport(DurableObject<Env>) {}`.
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
