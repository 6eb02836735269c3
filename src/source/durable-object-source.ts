import { ExportError } from "../model/error.ts";
import type { Source, SourceResult, SourceStatement, SourceValue } from "./source.ts";

/** The two RPC methods of StarbaseDB's Durable Object class, and of this package's mixin. */
export interface DatabaseStub {
  executeQuery(query: { sql: string; params?: unknown[]; isRaw?: boolean }): unknown;
  executeTransaction(queries: { sql: string; params?: unknown[] }[], isRaw: boolean): unknown;
}

interface RawResult {
  columns: string[];
  rows: SourceValue[][];
  meta?: { rows_read?: number; rows_written?: number };
}

/**
 * A Durable Object as a source. `stub` is asked for anew at every call, since a stub that once
 * failed stays broken.
 */
export function durableObjectSource(stub: () => DatabaseStub): Source {
  const call = async (work: (stub: DatabaseStub) => unknown): Promise<unknown> => {
    try {
      return await work(stub());
    } catch (cause) {
      throw sourceError(cause);
    }
  };
  return {
    kind: "durable-object",
    query: async (statement) =>
      resultOf(await call((object) => object.executeQuery({ ...statement, isRaw: true }))),
    transaction: async (statements: SourceStatement[]) => {
      const results = await call((object) => object.executeTransaction(statements, true));
      return (results as RawResult[]).map(resultOf);
    },
  };
}

function resultOf(raw: unknown): SourceResult {
  const { columns, rows, meta } = raw as RawResult;
  return {
    columns,
    rows,
    rowsRead: meta?.rows_read ?? 0,
    rowsWritten: meta?.rows_written ?? 0,
  };
}

/** SQLite's own errors end in their code; everything else is the platform's. */
function sourceError(cause: unknown): ExportError {
  const message = cause instanceof Error ? cause.message : String(cause);
  const code = /\bSQLITE_[A-Z_]+\b/.test(message) ? "source-query-failed" : "source-unavailable";
  return new ExportError(code, message, { cause });
}
