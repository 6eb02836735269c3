import { DurableObject } from "cloudflare:workers";

interface QueryRequest {
  sql: string;
  params?: unknown[];
}

interface RawQueryResult {
  columns: string[];
  rows: SqlStorageValue[][];
  meta: { rows_read: number; rows_written: number };
}

/**
 * The embedded database behind `POST /query`: the two methods of the contract over an object's
 * own SQLite, and nothing else. The source `main` of this repository's own deployment.
 */
export class Database extends DurableObject {
  /**
   * Runs the statements of one SQL text (at most 100,000 bytes); the result is the last one's.
   * With `isRaw` as columns and rows, else as an array of objects, in which of two columns of one
   * name the last wins. Throws what SQLite says; nothing is rolled back but the failed statement.
   */
  executeQuery(
    query: QueryRequest & { isRaw?: boolean },
  ): RawQueryResult | Record<string, SqlStorageValue>[] {
    return this.run(query, query.isRaw === true);
  }

  /** Runs all `queries` in one turn of the object. Where one throws, none has happened. */
  executeTransaction(
    queries: QueryRequest[],
    isRaw: boolean,
  ): (RawQueryResult | Record<string, SqlStorageValue>[])[] {
    return this.ctx.storage.transactionSync(() => queries.map((query) => this.run(query, isRaw)));
  }

  private run(
    { sql, params = [] }: QueryRequest,
    isRaw: boolean,
  ): RawQueryResult | Record<string, SqlStorageValue>[] {
    const cursor = this.ctx.storage.sql.exec(sql, ...(params as SqlStorageValue[]));
    if (!isRaw) return cursor.toArray();
    const rows = [...cursor.raw()];
    return {
      columns: cursor.columnNames,
      rows,
      meta: { rows_read: cursor.rowsRead, rows_written: cursor.rowsWritten },
    };
  }
}
