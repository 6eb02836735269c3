import { ExportError } from "../api/errors.ts";
import { viewOf } from "../lib/bytes.ts";
import type { ScriptStatement } from "../sqlite/statement-splitter.ts";

/** How many characters of a statement a message quotes. */
const SHOWN_CHARS_MAX = 200;

/** A statement's place in its script, for errors and views. */
export interface StatementPlaceDetails {
  /** Counts from 1. */
  statement: number;
  /** Counts from 1. */
  line: number;
  /** Byte offset in the script's text, from 0. */
  offset: number;
  /** The first 200 characters. */
  sql: string;
  [key: string]: string | number;
}

/** Returns a statement's place and its first characters. */
export function describeStatement(statement: ScriptStatement): StatementPlaceDetails {
  const { bytes, start, number, line, offset } = statement;
  // A character takes at most four bytes.
  const end = Math.min(bytes.length, start + 4 * SHOWN_CHARS_MAX);
  const head = viewOf(bytes).toString("utf8", start, end);
  const sql = Array.from(head).slice(0, SHOWN_CHARS_MAX).join("");
  return { statement: number, line, offset, sql };
}

/** Returns the error for a script that is refused because of this statement, before anything changes. */
export function refused(statement: ScriptStatement, reason: string): ExportError {
  const place = describeStatement(statement);
  return new ExportError(
    "script-invalid",
    `statement ${place.statement}, line ${place.line}: ${reason}: ${place.sql}`,
    { details: { ...place, reason } },
  );
}

/** Returns the error for a statement that the database refused. */
export function failed(
  statement: ScriptStatement,
  { table, cause, reason = cause?.message ?? "" }: FailedStatement,
): ExportError {
  const place = describeStatement(statement);
  const into = table === undefined ? "" : ` (table ${JSON.stringify(table)})`;
  return new ExportError(
    "statement-failed",
    `statement ${place.statement}, line ${place.line}, byte ${place.offset}${into}: ${reason}: ${place.sql}`,
    {
      ...(cause && { cause }),
      details: { ...place, ...(table !== undefined && { table }), reason },
    },
  );
}

interface FailedStatement {
  /** The table that the statement writes to. */
  table?: string | undefined;
  cause?: Error;
  reason?: string;
}
