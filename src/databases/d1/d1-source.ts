import { CallTimeout, callWithin } from "../../lib/call-within.ts";
import { assert } from "../../lib/assert.ts";
import { findUnusedName } from "../../sqlite/identifier.ts";
import { fromHex } from "../../lib/bytes.ts";
import type { ErrorCode } from "../../api/error-codes.ts";
import { ExportError } from "../../api/errors.ts";
import { PAGE_BYTES, SOURCE_CALL_MS_MAX } from "../../api/limits.ts";
import { PASSING_SQLITE_ERROR } from "../passing-error.ts";
import {
  DEFAULT_ABILITIES,
  type Source,
  type SourceResult,
  type SourceStatement,
  type SourceValue,
} from "../source.ts";

/**
 * A D1 database as a source. D1 answers in JSON, in which a BLOB is a list of numbers. If a
 * statement states how many columns it has, SQLite returns the values as text instead, with BLOBs
 * as hex digits (measured in November 2026: 1 MB of BLOB in 8 ms instead of 100).
 *
 * D1 retries plain reads automatically; if one still fails, the caller must retry it:
 * https://developers.cloudflare.com/d1/best-practices/retry-queries/.
 */
export function d1Source(database: D1Database, binding: string): Source {
  const call = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await callWithin(SOURCE_CALL_MS_MAX, work);
    } catch (cause) {
      throw sourceError(cause, binding);
    }
  };
  const prepare = (statement: SourceStatement): D1PreparedStatement => {
    const sql =
      statement.columns === undefined
        ? statement.sql
        : carrierSql(statement.sql, statement.columns);
    const prepared = database.prepare(sql);
    return statement.params === undefined ? prepared : prepared.bind(...statement.params);
  };
  const transaction = async (statements: SourceStatement[]): Promise<SourceResult[]> => {
    const results = await call(() =>
      database.batch<Record<string, WireValue>>(statements.map(prepare)),
    );
    return results.map((result, at) => toResult(result, statements[at]?.columns));
  };
  return {
    ...DEFAULT_ABILITIES,
    // A BLOB crosses as hex digits in JSON, and D1 limits a value to 2,000,000 bytes.
    longRowsPageBytes: PAGE_BYTES,
    oneTurnBytesMax: PAGE_BYTES,
    // D1 keeps its own entries there.
    hasKeyValues: false,
    // A batch is a transaction: https://developers.cloudflare.com/d1/worker-api/d1-database/#batch.
    alwaysRollsBack: true,
    transaction,
    query: async (statement) => {
      if (statement.columns !== undefined || !isReading(statement.sql)) {
        const [result] = await transaction([statement]);
        assert(result !== undefined, "a batch answers each of its statements");
        return result;
      }
      // Two columns of the same name would become one in an object. `raw` does not report the rows
      // read.
      const [columns, ...rows] = await call(() =>
        prepare(statement).raw<WireValue[]>({ columnNames: true }),
      );
      return { columns, rows: rows.map((row) => row.map(toValue)), rowsRead: 0, rowsWritten: 0 };
    },
  };
}

/** A value in D1's JSON. */
type WireValue = number[] | string | number | null;

/**
 * Returns `sql` with each value as text that begins with the first letter of its type, except for
 * integers and NULL.
 */
function carrierSql(sql: string, columns: number): string {
  const names = Array.from({ length: columns }, (_, at) => `c${at}`);
  const values = names.map(
    (name) =>
      `CASE typeof(${name}) WHEN 'blob' THEN 'b' || hex(${name}) WHEN 'text' THEN 't' || ${name} ` +
      `WHEN 'real' THEN 'r' || quote(${name}) ELSE ${name} END AS ${name}`,
  );
  // A table of that name would make the query circular.
  const carrier = findUnusedName("tmp_export_carrier", sql);
  return (
    `WITH ${carrier}(${names.join(", ")}) AS MATERIALIZED (${sql}) ` +
    `SELECT ${values.join(", ")} FROM ${carrier}`
  );
}

function carriedValue(value: WireValue): SourceValue {
  if (typeof value !== "string") return toValue(value);
  const carried = value.slice(1);
  switch (value[0]) {
    case "b":
      return fromHex(carried).buffer;
    case "r":
      return Number(carried);
    default:
      return carried;
  }
}

function toValue(value: WireValue): SourceValue {
  return Array.isArray(value) ? Uint8Array.from(value).buffer : value;
}

function toResult(
  { results, meta }: D1Result<Record<string, WireValue>>,
  columns: number | undefined,
): SourceResult {
  const carried = columns !== undefined;
  const names = Object.keys(results[0] ?? {});
  assert(
    carried || names.every((name) => !/^\d+$/.test(name)),
    "a column whose name is a number would come first: pass the number of columns",
  );
  return {
    columns: names,
    rows: results.map((row) => Object.values(row).map(carried ? carriedValue : toValue)),
    rowsRead: meta.rows_read,
    rowsWritten: meta.rows_written,
    databaseBytes: meta.size_after,
  };
}

function isReading(sql: string): boolean {
  return /^\s*(?:SELECT|WITH|VALUES|PRAGMA)\b/i.test(sql);
}

/** https://developers.cloudflare.com/d1/observability/debug-d1/#error-list, November 2026. */
function classifyMessage(message: string): ErrorCode {
  if (PASSING_SQLITE_ERROR.test(message)) return "source-unavailable";
  if (/exceeded timeout|exceeded its CPU time limit/.test(message)) return "source-timeout";
  // D1 was reset because it ran out of memory, perhaps during another caller's query: the next
  // attempt may succeed.
  if (message.includes("exceeded its memory limit")) return "source-unavailable";
  return /\bSQLITE_[A-Z_]+\b|Exceeded maximum DB size/.test(message)
    ? "source-query-failed"
    : "source-unavailable";
}

function sourceError(cause: unknown, binding: string): ExportError {
  const message = cause instanceof Error ? cause.message : String(cause);
  if (cause instanceof CallTimeout) {
    const words = `the D1 database of binding ${binding} returned ${message}`;
    return new ExportError("source-timeout", words, { cause });
  }
  return new ExportError(classifyMessage(message), message, { cause });
}
