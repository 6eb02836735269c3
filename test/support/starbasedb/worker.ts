import { DurableObject } from "cloudflare:workers";

interface Query {
  sql: string;
  params?: unknown[];
}

/** The tables of its class, and of the plugins for its query log and its cron tasks. */
const TABLES = [
  "cache",
  "allowlist_queries",
  "allowlist_rejections",
  "rls_policies",
  "query_log",
  "cron_tasks",
];

/**
 * Stands in for StarbaseDB's class of this name: the same two methods with their results, the same
 * tables, and no rollback of a failed transaction.
 */
export class StarbaseDBDurableObject extends DurableObject {
  constructor(ctx: DurableObjectState, env: unknown) {
    super(ctx, env as never);
    for (const table of TABLES) {
      ctx.storage.sql.exec(
        `CREATE TABLE IF NOT EXISTS tmp_${table}(id INTEGER PRIMARY KEY AUTOINCREMENT, entry TEXT)`,
      );
    }
  }

  async executeQuery({ sql, params, isRaw }: Query & { isRaw?: boolean }): Promise<object> {
    const cursor = this.ctx.storage.sql.exec(sql, ...((params ?? []) as SqlStorageValue[]));
    if (isRaw !== true) return cursor.toArray();
    return {
      columns: cursor.columnNames,
      rows: [...cursor.raw()],
      meta: { rows_read: cursor.rowsRead, rows_written: cursor.rowsWritten },
    };
  }

  async executeTransaction(queries: Query[], isRaw: boolean): Promise<object[]> {
    const results: object[] = [];
    for (const { sql, params } of queries) {
      results.push(await this.executeQuery({ sql, ...(params && { params }), isRaw }));
    }
    return results;
  }
}

interface Environment {
  DATABASE_DURABLE_OBJECT: DurableObjectNamespace<StarbaseDBDurableObject>;
}

/** Tests need only `POST /query` from StarbaseDB's own API. */
export default {
  async fetch(request: Request, env: Environment): Promise<Response> {
    const stub = env.DATABASE_DURABLE_OBJECT.getByName("sql-durable-object");
    const result = await stub.executeQuery(await request.json<Query>());
    return Response.json({ result });
  },
};
