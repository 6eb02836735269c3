import type { ErrorCode } from "../api/error-codes.ts";
import { ExportError } from "../api/errors.ts";

/**
 * Why SQLite did not run a query:
 * - `missing`: the query names a table, a column or an index that does not exist.
 * - `too-big`: a value, such as the text of a page, would exceed the maximum length.
 * - `locked`: an open cursor uses what the query drops.
 */
export type QueryProblem = "missing" | "too-big" | "locked";

/**
 * SQLite's words, or its code at the end of the platform's message, in errors to which adapters
 * assign this code.
 */
const PROBLEMS: readonly { problem: QueryProblem; code: ErrorCode; words: RegExp }[] = [
  {
    problem: "missing",
    code: "source-query-failed",
    words: /no such (?:table|column|index)|has no column named/i,
  },
  { problem: "too-big", code: "source-query-failed", words: /too big|SQLITE_TOOBIG/i },
  // A lock is temporary: see `PASSING_SQLITE_ERROR`.
  { problem: "locked", code: "source-unavailable", words: /\bSQLITE_LOCKED\b/ },
];

/** Returns what a source's error means; undefined for any other error. */
export function findQueryProblem(error: unknown): QueryProblem | undefined {
  if (!(error instanceof ExportError)) return undefined;
  const { code, message } = error;
  return PROBLEMS.find((each) => each.code === code && each.words.test(message))?.problem;
}
