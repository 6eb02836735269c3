import { Buffer } from "node:buffer";

import { STATEMENT_BYTES_MAX } from "../api/limits.ts";
import { lowerAscii } from "../lib/ascii-case.ts";
import { decodeIfUtf8, viewOf } from "../lib/bytes.ts";
import type { SourceStatement } from "../databases/source.ts";
import type { LoadPlan, WrittenVirtualTable } from "../rpc/load-plan.ts";
import { quoteIdentifier } from "../sqlite/identifier.ts";
import { isDumpStageName, RESTORE_MARK } from "../sqlite/own-objects.ts";
import { type ScriptStatement, textOf } from "../sqlite/script-statement.ts";
import { TokenReader } from "../sqlite/token-reader.ts";
import { type InsertRows, StatementClassifier } from "./classify-statement.ts";
import { splitLongInsert, UnloadableStatement } from "./long-statement.ts";
import { countRows } from "./row-counts.ts";
import type { InsertedRows } from "./row-merger.ts";
import { findStage } from "./plan-staging.ts";
import { findInsertTraits, findRowTraits, type RowTraits } from "./row-traits.ts";
import { parseSchemaRow } from "./schema-row.ts";
import { replaceUnistr } from "./unistr.ts";

/** What runs in the target for one statement of a script. */
export interface RewrittenStatement {
  /** Statements that run in this order, in one turn; empty if there is nothing to do. */
  run: SourceStatement[];
  /** Plain rows, set instead of `run`: the rows of several statements may be joined into one. */
  rows?: InsertedRows;
  /** The table that the statement writes to, for messages. */
  table?: string;
  /**
   * How many of the script's rows it inserts; undefined if it inserts none, or if the text does not show the
   * number.
   */
  inserted?: number;
  /** True if it depends on the previous statement, so both must run in one turn. */
  isBound?: true;
}

const NOTHING: RewrittenStatement = { run: [] };

const NO_TABLES: ReadonlySet<string> = new Set();

/** The table that receives the rows of INSERTs that begin the same way. */
interface Destination {
  /** The INSERT up to and including VALUES. */
  head: string;
  /** Set if the rows wait in a staging table. */
  stageName: string | undefined;
  /** True if its rows are rows of the script: no command to a search index, and no pieces of a dump's long rows. */
  countsRows: boolean;
}

/** Rewrites the statements of one script, in the script's order. */
export class StatementRewriter {
  readonly #plan: LoadPlan;
  readonly #classifier = new StatementClassifier();
  readonly #existing: ReadonlySet<string>;
  /** Internal tables of virtual tables that the script writes into `sqlite_schema`, in lower case. */
  readonly #shadows = new Map<string, WrittenVirtualTable>();
  /** The last INSERT and the table that receives its rows. The next INSERTs often begin with the same bytes. */
  #last: { found: InsertRows; destination: Destination } | undefined;

  constructor(plan: LoadPlan) {
    this.#plan = plan;
    this.#existing = new Set(plan.existing);
    for (const table of plan.virtualTables) {
      for (const shadow of table.shadows) this.#shadows.set(shadow, table);
    }
  }

  /** How the next statements probably begin, for the splitter. */
  get insertHead(): Buffer | undefined {
    return this.#classifier.head;
  }

  /** Rewrites the next statement. Throws UnloadableStatement. */
  rewrite(statement: ScriptStatement, pass: number): RewrittenStatement {
    const { number } = statement;
    const found = this.#classifier.classify(statement);
    const { late, hasSequences } = this.#plan;
    const mayBeLate = found.kind === "create-trigger" || found.kind === "sequence";
    const isLate = mayBeLate && late !== null && number >= late.number;
    if ((pass === 2) !== isLate) return NOTHING;
    if (found.kind === "insert") return this.#insert(statement, found);
    const text = textOf(statement);
    switch (found.kind) {
      case "skip":
      case "refuse":
      case "begin":
      case "commit":
      case "foreign-keys":
        return NOTHING;
      case "create-table": {
        const name = lowerAscii(found.name);
        if (this.#existing.has(name) || this.#shadows.has(name)) return NOTHING;
        return { run: [toStatement(text)], table: found.name };
      }
      case "schema-row": {
        const row = parseSchemaRow(text, found.rowsAt);
        if (row === undefined) return NOTHING;
        return { run: [{ sql: row.sql }, ...this.#createIdsTable(row.name)], table: row.name };
      }
      case "sequence":
        return hasSequences ? { run: [toStatement(text)], table: "sqlite_sequence" } : NOTHING;
      case "create-index":
      case "create-trigger":
      case "alter-table":
      case "drop-table":
        return { run: [toStatement(text)], table: found.table };
      case "change-rows":
      case "other":
        return { run: [toStatement(text)], ...bindIfSession(text, 0) };
      case "create-view":
      case "key-values":
      case "bookkeeping":
        return { run: [toStatement(text)] };
      default:
        return found satisfies never;
    }
  }

  #createIdsTable(name: string): SourceStatement[] {
    const idsName = this.#plan.virtualTables.find((table) => table.name === name)?.external
      ?.idsName;
    if (!idsName) return [];
    return [{ sql: `CREATE TABLE ${idsName}(id INTEGER PRIMARY KEY, sz ${RESTORE_MARK})` }];
  }

  #insert(statement: ScriptStatement, found: InsertRows): RewrittenStatement {
    const { table, lowerTable } = found;
    const { bytes, start, number } = statement;
    const traits = findInsertTraits(statement, found, NO_TABLES);
    const shadow = this.#shadows.get(lowerTable);
    const staged =
      shadow === undefined ? findStage(this.#plan.moves, lowerTable, number) : undefined;
    const { head, stageName, countsRows } = this.#findDestination(
      statement,
      found,
      staged?.stageName,
    );
    const inserted = countsRows ? (traits.rows ?? countRows(bytes, start + found.rowsAt)) : 0;
    if (shadow !== undefined) {
      const rewritten = insertIntoShadow(textOf(statement), found, shadow);
      // A search index's internal tables are not loaded.
      return rewritten === NOTHING ? rewritten : { ...rewritten, inserted };
    }
    const isFirst = staged?.first === number;
    const rows = isFirst ? undefined : findPlainRows(statement, found, traits);
    if (rows !== undefined) return { run: [], rows: { head, text: rows }, table, inserted };
    const run = writeInsert(textOf(statement), found, head, stageName);
    if (isFirst) return { run: [{ sql: staged.stageSql }, ...run], table, inserted };
    return { run, table, inserted, ...(traits.usesSession && { isBound: true }) };
  }

  #findDestination(
    statement: ScriptStatement,
    found: InsertRows,
    stageName: string | undefined,
  ): Destination {
    const last = this.#last;
    if (last?.found === found && last.destination.stageName === stageName) return last.destination;
    const end = found.rowsAt + (found.hasValues ? "VALUES".length : 0);
    const view = viewOf(textOf(statement));
    const head =
      stageName === undefined
        ? view.toString("utf8", 0, end)
        : view.toString("utf8", 0, found.place.start) +
          stageName +
          view.toString("utf8", found.place.end, end);
    const destination = { head, stageName, countsRows: countsRows(found) };
    this.#last = { found, destination };
    return destination;
  }
}

function countsRows({ columns = [], lowerTable, hasValues }: InsertRows): boolean {
  const isCommand = columns.some((name) => lowerAscii(name) === lowerTable);
  return hasValues && !isCommand && !isDumpStageName(lowerTable);
}

/** Returns the rows of an INSERT, without VALUES and the semicolon, if they can be joined to those of another. */
function findPlainRows(
  { bytes, start }: ScriptStatement,
  { hasValues, conflict, rowsAt }: InsertRows,
  { hasSpecialWords }: RowTraits,
): Uint8Array | undefined {
  const isShort = bytes.length - start < STATEMENT_BYTES_MAX / 2;
  if (!hasValues || conflict !== undefined || !isShort || hasSpecialWords) return undefined;
  let end = bytes.length;
  while (isSpaceOrSemicolon(bytes[end - 1])) end -= 1;
  const hasTail = bytes[end - 1] !== 0x29;
  return hasTail ? undefined : bytes.subarray(start + rowsAt + "VALUES".length, end);
}

function isSpaceOrSemicolon(byte: number | undefined): boolean {
  return byte === 0x3b || byte === 0x20 || (byte !== undefined && byte >= 0x09 && byte <= 0x0d);
}

function writeInsert(
  text: Uint8Array,
  { place, rowsAt, hasValues }: InsertRows,
  head: string,
  stageName: string | undefined,
): SourceStatement[] {
  if (stageName === undefined) return toStatements(text, hasValues ? rowsAt : undefined);
  const view = viewOf(text);
  const moved = Buffer.concat([
    view.subarray(0, place.start),
    Buffer.from(stageName),
    view.subarray(place.end),
  ]);
  const shifted = Buffer.byteLength(head) - "VALUES".length;
  return toStatements(moved, hasValues ? shifted : undefined);
}

/** Turns an INSERT into an internal table of an FTS5 table into an INSERT into the FTS5 table. */
function insertIntoShadow(
  text: Uint8Array,
  { lowerTable, rowsAt }: InsertRows,
  { name, columns, external }: WrittenVirtualTable,
): RewrittenStatement {
  const into = (target: string, list: readonly string[]): RewrittenStatement => {
    const head = `INSERT INTO ${quoteIdentifier(target)}(${list.map(quoteIdentifier).join(", ")}) `;
    const statement = Buffer.concat([Buffer.from(head), viewOf(text).subarray(rowsAt)]);
    return { run: toStatements(statement, Buffer.byteLength(head)), table: name };
  };
  const shadow = lowerTable.slice(name.length + 1);
  if (shadow === "content") return into(name, ["rowid", ...columns]);
  if (shadow === "docsize" && external?.idsName) return into(external.idsName, ["id", "sz"]);
  const isOption = shadow === "config" && findFirstText(text, rowsAt) !== "version";
  return isOption ? into(name, [name, "rank"]) : NOTHING;
}

/** Returns the first text value in an INSERT's rows. */
function findFirstText(text: Uint8Array, rowsAt: number): string {
  const tokens = new TokenReader(text, rowsAt);
  for (let token = tokens.next(); token !== undefined; token = tokens.next()) {
    if (token.kind === "string") return tokens.name(token);
  }
  return "";
}

function bindIfSession(text: Uint8Array, from: number): { isBound?: true } {
  return findRowTraits(text, from, NO_TABLES).usesSession ? { isBound: true } : {};
}

function toStatement(text: Uint8Array): SourceStatement {
  const [statement] = toStatements(text, undefined);
  return statement as SourceStatement;
}

/** Returns what the platform runs for a statement. `rowsAt` is the position of VALUES in an INSERT. */
function toStatements(text: Uint8Array, rowsAt: number | undefined): SourceStatement[] {
  const bytes = replaceUnistr(text);
  if (bytes.length <= STATEMENT_BYTES_MAX) {
    const sql = decodeIfUtf8(bytes);
    if (sql !== undefined) return [{ sql }];
  }
  // The values follow VALUES, so nothing before it was replaced.
  if (rowsAt !== undefined) return [...splitLongInsert(bytes, rowsAt)];
  throw new UnloadableStatement(
    bytes.length > STATEMENT_BYTES_MAX
      ? `it has ${bytes.length} bytes, and the platform runs at most ${STATEMENT_BYTES_MAX}`
      : "its text is not valid UTF-8",
  );
}
