import { DatabaseSync, type StatementSync } from "node:sqlite";
import { ExportError } from "../../src/api/errors.ts";
import {
  DEFAULT_ABILITIES,
  type Source,
  type SourceResult,
  type SourceStatement,
  type SourceValue,
} from "../../src/databases/source.ts";
import { splitStatements } from "./sql-statements.ts";

/**
 * The limits that D1 and Durable Objects put on SQL, set in a database of Node's own SQLite.
 * https://developers.cloudflare.com/durable-objects/platform/limits/ and workerd's `sqlite.c++`.
 */
export const PLATFORM_LIMITS = {
  length: 4 * 1024 * 1024,
  sqlLength: 100_000,
  column: 100,
  exprDepth: 100,
  compoundSelect: 5,
  functionArg: 32,
  likePatternLength: 50,
  variableNumber: 100,
  triggerDepth: 10,
};

/** A database in `path` (or in memory) with the platform's limits. */
export function openPlatformDatabase(path = ":memory:"): DatabaseSync {
  // As the platform's own SQLite reads a schema.
  const enableDoubleQuotedStringLiterals = true;
  return new DatabaseSync(path, { limits: PLATFORM_LIMITS, enableDoubleQuotedStringLiterals });
}

/**
 * `db` as a source. Answers like a Durable Object, with one exception: an integer that JavaScript's
 * numbers cannot hold is an error here, not a wrong number.
 */
export function nodeSqliteSource(db: DatabaseSync): Source {
  const run = (statement: SourceStatement): SourceResult => {
    try {
      return runStatements(db, statement);
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      throw new ExportError("source-query-failed", message, { cause });
    }
  };
  return {
    ...DEFAULT_ABILITIES,
    query: (statement) => settle(() => run(statement)),
    transaction: (statements) =>
      settle(() => {
        db.exec("BEGIN");
        try {
          const results = statements.map(run);
          db.exec("COMMIT");
          return results;
        } catch (error) {
          db.exec("ROLLBACK");
          throw error;
        }
      }),
  };
}

async function settle<T>(work: () => T): Promise<T> {
  return work();
}

function runStatements(db: DatabaseSync, { sql, params = [] }: SourceStatement): SourceResult {
  // Node prepares only the first statement of a text, but the platform runs all of them.
  const texts = sql.includes(";") ? splitStatements(sql) : [sql];
  for (const text of texts.slice(0, -1)) db.exec(text);
  const statement = db.prepare(texts.at(-1) ?? "");
  const columns = statement.columns().map((column) => column.name);
  if (columns.length === 0) {
    const { changes } = statement.run(...boundValues(params));
    return { columns, rows: [], rowsRead: 0, rowsWritten: Number(changes) };
  }
  const rows = rawRows(statement, params);
  return { columns, rows, rowsRead: rows.length, rowsWritten: 0 };
}

function rawRows(statement: StatementSync, params: SourceValue[]): SourceValue[][] {
  statement.setReturnArrays(true);
  const rows = statement.all(...boundValues(params)) as unknown as unknown[][];
  return rows.map((row) =>
    row.map((value) =>
      value instanceof Uint8Array ? new Uint8Array(value).buffer : (value as SourceValue),
    ),
  );
}

function boundValues(params: SourceValue[]): (Uint8Array | string | number | null)[] {
  return params.map((value) => (value instanceof ArrayBuffer ? new Uint8Array(value) : value));
}
