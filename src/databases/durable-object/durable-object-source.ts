import { CallTimeout, callWithin } from "../../lib/call-within.ts";
import { ExportError } from "../../api/errors.ts";
import { SOURCE_CALL_MS_MAX } from "../../api/limits.ts";
import { PASSING_SQLITE_ERROR } from "../passing-error.ts";
import {
  DEFAULT_ABILITIES,
  type Source,
  type SourceResult,
  type SourceStatement,
  type SourceValue,
} from "../source.ts";

/** The two RPC methods of StarbaseDB's Durable Object class, and of this package's mixin. */
export interface DatabaseStub {
  executeQuery(query: { sql: string; params?: unknown[]; isRaw?: boolean }): unknown;
  executeTransaction(queries: { sql: string; params?: unknown[] }[], isRaw: boolean): unknown;
}

interface RawResult {
  columns: string[];
  rows: SourceValue[][];
  /** StarbaseDB's class reports no `size_after`. */
  meta?: { rows_read?: number; rows_written?: number; size_after?: number };
}

/**
 * A Durable Object as a source. Every call requests a new `stub`, because a stub that failed once
 * stays broken. Errors in addition to the port's: `configuration-invalid` if the class of `binding` lacks
 * the two methods or returns something else.
 */
export function durableObjectSource(stub: () => DatabaseStub, binding = "the object"): Source {
  const call = async (work: (stub: DatabaseStub) => unknown): Promise<unknown> => {
    try {
      return await callWithin(SOURCE_CALL_MS_MAX, async () => work(stub()));
    } catch (cause) {
      throw sourceError(cause, binding);
    }
  };
  return {
    ...DEFAULT_ABILITIES,
    query: async ({ sql, params }) => {
      const query = params === undefined ? { sql } : { sql, params };
      return toResult(
        await call((object) => object.executeQuery({ ...query, isRaw: true })),
        binding,
      );
    },
    transaction: async (statements: SourceStatement[]) => {
      const queries = statements.map(({ sql, params }) =>
        params === undefined ? { sql } : { sql, params },
      );
      const results = await call((object) => object.executeTransaction(queries, true));
      if (!Array.isArray(results))
        throw wrongClass(binding, "returns no list from executeTransaction");
      return results.map((result) => toResult(result, binding));
    },
  };
}

function toResult(raw: unknown, binding: string): SourceResult {
  const { columns, rows, meta } = (raw ?? {}) as Partial<RawResult>;
  if (!Array.isArray(columns) || !Array.isArray(rows)) {
    throw wrongClass(binding, "returns no `columns` and `rows` for `isRaw: true`");
  }
  return {
    columns,
    rows,
    rowsRead: meta?.rows_read ?? 0,
    rowsWritten: meta?.rows_written ?? 0,
    ...(meta?.size_after === undefined ? {} : { databaseBytes: meta.size_after }),
  };
}

/**
 * The runtime's words for an answer that is too large for RPC, no matter how often it is requested.
 */
const TOO_LARGE_FOR_RPC = /Serialized RPC arguments or return values are limited/;

/**
 * SQLite's own errors end in their code, and an object without the methods reports that; everything
 * else comes from the platform.
 */
function sourceError(cause: unknown, binding: string): ExportError {
  const message = cause instanceof Error ? cause.message : String(cause);
  if (isMissingMethod(cause)) {
    return wrongClass(binding, `lacks them (${message})`, cause);
  }
  // The local runtime's words for a binding without a target: `wrangler deploy` refuses it.
  if (/does not export a Durable Object class|^Worker "[^"]*" not found/.test(message)) {
    return new ExportError("configuration-invalid", `binding ${binding}: ${message}`, { cause });
  }
  if (cause instanceof CallTimeout) {
    const words = `the object of binding ${binding} returned ${message}`;
    return new ExportError("source-timeout", words, { cause });
  }
  const isRefused =
    TOO_LARGE_FOR_RPC.test(message) ||
    (/\bSQLITE_[A-Z_]+\b/.test(message) && !PASSING_SQLITE_ERROR.test(message));
  const code = isRefused ? "source-query-failed" : "source-unavailable";
  return new ExportError(code, message, { cause });
}

/** True if a call failed because the object's class lacks the method. */
export function isMissingMethod(cause: unknown): boolean {
  const message = cause instanceof Error ? cause.message : String(cause);
  return /RPC receiver does not implement|does not support RPC|is not a function/.test(message);
}

function wrongClass(binding: string, problem: string, cause?: unknown): ExportError {
  return new ExportError(
    "configuration-invalid",
    `binding ${binding}: a source's class needs the methods executeQuery and executeTransaction, but this class ${problem}: ` +
      "extend withExport(DurableObject), or bind StarbaseDB's class",
    { cause },
  );
}
