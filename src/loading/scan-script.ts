import { lowerAscii } from "../lib/ascii-case.ts";
import { ExportError } from "../api/errors.ts";
import { viewOf } from "../lib/bytes.ts";
import type { ScriptPlace } from "../rpc/load-plan.ts";
import { type ScriptStatement, StatementSplitter } from "../sqlite/statement-splitter.ts";
import { classifyStatement } from "./classify-statement.ts";
import { describeStatement, placeAfter } from "./describe-statement.ts";
import { parseSchemaRow, type SchemaRow } from "./schema-row.ts";

/** Tables and long spans of a script are kept in memory: a script with more is refused. */
const TABLES_MAX = 10_000;

/** A table that a script creates. */
export interface ScannedTable {
  name: string;
  sql: string;
  parents: string[];
  isVirtual: boolean;
}

/** Statements without one that may read or change any row: between two such, rows may be moved freely. */
export interface ScannedSpan {
  /** Number of the first statement. */
  from: number;
  /** First and last statement that inserts into a table, by its name in lower case. */
  inserts: Map<string, { first: number; last: number }>;
  /** The last CREATE UNIQUE INDEX of a table: a foreign key may need it. */
  uniqueIndexes: Map<string, number>;
}

/** What a script contains, as far as loading it depends on it. */
export interface ScannedScript {
  end: ScriptPlace;
  /** By name in lower case. */
  tables: Map<string, ScannedTable>;
  spans: ScannedSpan[];
  /** Virtual tables that the script inserts into `sqlite_schema`. */
  schemaRows: SchemaRow[];
  /** Statements that are not run, by what they are. */
  skipped: Map<string, number>;
  /** The start of the triggers after which no row is written; null if there are none. */
  triggers: { from: ScriptPlace; number: number } | null;
  /** True if the script contains entries of a key-value storage. */
  hasKeyValues: boolean;
}

const KEY_VALUES = "SELECT 'durable-export: key-values'";

/**
 * Reads a whole script before anything is changed. Errors: `script-invalid`, with number, line and reason, if the
 * script ends within a statement, contains what cannot be loaded, or is no SQL.
 */
export async function scanScript(
  chunks: AsyncIterable<Uint8Array>,
  beat: () => Promise<void> = async () => {},
): Promise<ScannedScript> {
  const scan = new ScriptScan();
  const splitter = new StatementSplitter();
  for await (const chunk of chunks) {
    requireText(chunk, scan.script.end.textBytes);
    for (const statement of splitter.push(chunk)) scan.add(statement);
    await beat();
  }
  const rest = splitter.finish();
  if (rest !== undefined) {
    if (rest.start === rest.bytes.length || !isWhole(rest)) {
      throw refuse(rest, "the script ends within this statement");
    }
    scan.add(rest);
  }
  if (scan.script.end.statements === 0) {
    throw new ExportError("script-invalid", "the script contains no statement");
  }
  return scan.finish();
}

/** True if the script's last statement lacks only its semicolon: no string, name, comment or body is open. */
function isWhole({ bytes, start }: ScriptStatement): boolean {
  const splitter = new StatementSplitter();
  const text = Buffer.concat([bytes.subarray(start), Buffer.from("\n;")]);
  return [...splitter.push(text)].length === 1;
}

/** A NUL byte ends SQL text. A file that contains one is another kind of file. */
function requireText(chunk: Uint8Array, offset: number): void {
  if (!viewOf(chunk).includes(0)) return;
  throw new ExportError(
    "script-invalid",
    `the file contains a NUL byte after byte ${offset}: it is binary, or its text is UTF-16, and not SQL in UTF-8`,
  );
}

function refuse(statement: ScriptStatement, reason: string): ExportError {
  const place = describeStatement(statement);
  return new ExportError(
    "script-invalid",
    `statement ${place.statement}, line ${place.line}: ${reason}: ${place.sql}`,
    { details: { ...place, reason } },
  );
}

class ScriptScan {
  readonly script: ScannedScript = {
    end: { textBytes: 0, statements: 0, lines: 0 },
    tables: new Map(),
    spans: [],
    schemaRows: [],
    skipped: new Map(),
    triggers: null,
    hasKeyValues: false,
  };
  #span = newSpan(1);

  add(statement: ScriptStatement): void {
    const { script } = this;
    const { number, bytes, start } = statement;
    const text = bytes.subarray(start);
    const found = classifyStatement(text);
    const before = script.end;
    switch (found.kind) {
      case "refuse":
        throw refuse(statement, found.reason);
      case "skip":
        script.skipped.set(found.what, (script.skipped.get(found.what) ?? 0) + 1);
        break;
      case "create-table": {
        const sql = viewOf(text).toString();
        const { name, parents, isVirtual } = found;
        script.tables.set(lowerAscii(name), { name, sql, parents, isVirtual });
        if (script.tables.size > TABLES_MAX) {
          throw refuse(statement, `a script may create ${TABLES_MAX} tables`);
        }
        break;
      }
      case "insert":
        if (!found.hasValues) this.#endSpan(number);
        this.#insert(lowerAscii(found.table), number);
        script.triggers = null;
        break;
      case "schema-row": {
        const row = parseSchemaRow(text, found.rowsAt);
        if (row === undefined) {
          throw refuse(statement, "only virtual tables can be written into sqlite_schema");
        }
        script.schemaRows.push(row);
        break;
      }
      case "create-index":
        if (found.isUnique) this.#span.uniqueIndexes.set(lowerAscii(found.table), number);
        break;
      case "create-trigger":
        script.triggers ??= { from: before, number };
        break;
      case "create-view":
        break;
      case "bookkeeping":
        script.hasKeyValues ||=
          viewOf(text).toString("latin1", 0, KEY_VALUES.length) === KEY_VALUES;
        break;
      case "other":
        this.#endSpan(number);
        script.triggers = null;
        break;
      default:
        found satisfies never;
    }
    script.end = placeAfter(statement);
  }

  finish(): ScannedScript {
    this.#endSpan(this.script.end.statements + 1);
    return this.script;
  }

  #insert(table: string, number: number): void {
    const { inserts } = this.#span;
    const known = inserts.get(table);
    if (known === undefined) inserts.set(table, { first: number, last: number });
    else known.last = number;
  }

  /** Ends a span before statement `next`, which may read or change any row. */
  #endSpan(next: number): void {
    if (this.#span.inserts.size > 0) this.script.spans.push(this.#span);
    this.#span = newSpan(next);
  }
}

function newSpan(from: number): ScannedSpan {
  return { from, inserts: new Map(), uniqueIndexes: new Map() };
}
