import { Database } from "../../src/databases/database.ts";

/**
 * Calls `fault` before every call of an embedded database; it may throw what a platform throws, or run statements
 * in the same object with `run`. Call the returned function to stop it.
 */
export function disturbDatabase(
  fault: (statements: string[], run: (sql: string) => void) => void,
): () => void {
  const prototype = Database.prototype as unknown as Record<string, unknown>;
  const calls = {
    executeQuery: prototype["executeQuery"] as Database["executeQuery"],
    executeTransaction: prototype["executeTransaction"] as Database["executeTransaction"],
  };
  prototype["executeQuery"] = function (
    this: Database,
    ...[query]: Parameters<Database["executeQuery"]>
  ) {
    fault([query.sql], (sql) => runIn(this, sql));
    return calls.executeQuery.call(this, query);
  };
  prototype["executeTransaction"] = function (
    this: Database,
    ...[queries, isRaw]: Parameters<Database["executeTransaction"]>
  ) {
    fault(
      queries.map(({ sql }) => sql),
      (sql) => runIn(this, sql),
    );
    return calls.executeTransaction.call(this, queries, isRaw);
  };
  return () => {
    delete prototype["executeQuery"];
    delete prototype["executeTransaction"];
  };
}

function runIn(database: Database, sql: string): void {
  (database as unknown as { ctx: DurableObjectState }).ctx.storage.sql.exec(sql);
}
