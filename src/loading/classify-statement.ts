import type { Buffer } from "node:buffer";

import { lowerAscii } from "../lib/ascii-case.ts";
import { viewOf } from "../lib/bytes.ts";
import { beginsKeyValues } from "../sqlite/key-values.ts";
import { type ScriptStatement, textOf } from "../sqlite/script-statement.ts";
import { isPlatformName } from "../sqlite/own-objects.ts";
import { beginsRows } from "../sqlite/plain-rows.ts";
import { type ByteToken, TokenReader } from "../sqlite/token-reader.ts";
import {
  classifyTable,
  type CreateTable,
  listForeignKeys,
  type ForeignKey,
} from "./create-table.ts";
import { type NamePlace, readConditional, readList, readName } from "./read-name.ts";

/** What a statement of a script does, as far as it matters for loading. */
export type StatementClass =
  /** It has no effect in a new database, or the platform does not allow it and nothing depends on it. */
  | { kind: "skip"; what: string }
  /** A restore cannot load a script that contains it. */
  | { kind: "refuse"; reason: string }
  | { kind: "begin" }
  | { kind: "commit" }
  /** True for a pragma that enforces foreign keys, false for one that does not. */
  | { kind: "foreign-keys"; enforces: boolean }
  | CreateTable
  | InsertRows
  /** A row of `sqlite_schema`: `sqlite3 .dump` writes virtual tables this way. */
  | { kind: "schema-row"; rowsAt: number }
  | { kind: "create-index"; table: string; isUnique: boolean; columns: string[] }
  | { kind: "create-trigger"; table: string }
  | { kind: "create-view" }
  /** It sets AUTOINCREMENT counters. */
  | { kind: "sequence" }
  /** Entries of a key-value storage, in the form that this project's dumps use. */
  | { kind: "key-values" }
  /** It changes no row that another statement may read. */
  | { kind: "bookkeeping" }
  | { kind: "drop-table"; table: string }
  | {
      kind: "alter-table";
      table: string;
      /** The start of a new column's definition; undefined for other changes. */
      columnAt?: number;
      foreignKeys: ForeignKey[];
      renamedTo?: string;
    }
  /** UPDATE or DELETE. */
  | { kind: "change-rows"; table: string }
  /** Anything else, which may read or change any row. */
  | { kind: "other" };

/** An INSERT or REPLACE. */
export interface InsertRows {
  kind: "insert";
  table: string;
  /** The same in lower case. */
  lowerTable: string;
  place: NamePlace;
  /** The position of the rows, after the table and its columns. */
  rowsAt: number;
  /** The columns that the statement lists; undefined if it lists none. */
  columns: string[] | undefined;
  /** True for `VALUES`; false for a query, and for DEFAULT VALUES. */
  hasValues: boolean;
  /** What happens on a conflict, such as REPLACE; undefined if the statement does not specify it. */
  conflict: string | undefined;
}

/** Statements that only read, bracket a transaction or configure the session. */
const SKIPPED = new Set(["SAVEPOINT", "RELEASE", "VACUUM", "EXPLAIN", "VALUES"]);

const KNOWN_WORDS = new Set(["WITH"]);

/**
 * Classifies the statements of one script. Remembers how the last INSERT begins, since the next statement often
 * begins with the same bytes.
 */
export class StatementClassifier {
  #last: { head: Buffer; insert: InsertRows } | undefined;

  /** How the last INSERT of values begins: everything up to and including VALUES. A splitter should expect it. */
  get head(): Buffer | undefined {
    return this.#last?.head;
  }

  /** Classifies the next statement. */
  classify(statement: ScriptStatement): StatementClass {
    const { bytes, start, plain } = statement;
    const last = this.#last;
    if (last !== undefined && (plain?.head === last.head || beginsRows(bytes, start, last.head))) {
      return last.insert;
    }
    const text = textOf(statement);
    const found = classifyStatement(text);
    if (found.kind === "insert" && found.hasValues) {
      const head = viewOf(text.slice(0, found.rowsAt + "VALUES".length));
      this.#last = { head, insert: found };
    }
    return found;
  }
}

/**
 * Classifies one statement by its first tokens. `bytes` starts at its first token. Reads all of a CREATE TABLE, and
 * only the beginning of anything else.
 */
export function classifyStatement(bytes: Uint8Array): StatementClass {
  const tokens = new TokenReader(bytes);
  const first = tokens.next();
  const word = tokens.word(first);
  if (SKIPPED.has(word)) return { kind: "skip", what: word };
  switch (word) {
    case "BEGIN":
      return { kind: "begin" };
    case "COMMIT":
    case "END":
      return { kind: "commit" };
    case "PRAGMA":
      return classifyPragma(tokens);
    case "CREATE":
      return classifyCreate(tokens);
    case "INSERT":
    case "REPLACE":
      return classifyInsert(tokens, word);
    case "SELECT":
      // A query changes nothing, but the entries of a key-value storage are written as queries.
      return beginsKeyValues(viewOf(bytes).toString("latin1", 0, 100))
        ? { kind: "key-values" }
        : { kind: "skip", what: word };
    case "DELETE":
    case "UPDATE":
      return classifyChange(tokens, word);
    case "DROP":
      return classifyDrop(tokens);
    case "ALTER":
      return classifyAlter(tokens);
    case "REINDEX":
      return { kind: "bookkeeping" };
    case "ANALYZE":
      return isSchemaName(tokens.name(tokens.next()))
        ? { kind: "skip", what: "ANALYZE" }
        : { kind: "bookkeeping" };
    case "ROLLBACK":
      return {
        kind: "refuse",
        reason:
          "ROLLBACK undoes the script: the tool that wrote it met an error, so the file is incomplete",
      };
    case "ATTACH":
    case "DETACH":
      return { kind: "refuse", reason: `${word} needs a second database file` };
    default:
      if (KNOWN_WORDS.has(word)) return { kind: "other" };
      return {
        kind: "refuse",
        reason:
          first !== undefined && tokens.is(first, ".")
            ? "a command of the sqlite3 shell is not SQL"
            : "no SQL statement begins like this",
      };
  }
}

function classifyPragma(tokens: TokenReader): StatementClass {
  const { name, next } = readName(tokens, tokens.next());
  const lower = lowerAscii(name);
  if (lower === "foreign_keys" && next !== undefined && !tokens.is(next, ";")) {
    const value = lowerAscii(tokens.name(tokens.next()));
    return { kind: "foreign-keys", enforces: ["1", "on", "true", "yes"].includes(value) };
  }
  return { kind: "skip", what: `PRAGMA ${lower}` };
}

function classifyChange(tokens: TokenReader, word: "DELETE" | "UPDATE"): StatementClass {
  let token = tokens.next();
  if (word === "UPDATE" && tokens.word(token) === "OR") {
    tokens.next();
    token = tokens.next();
  } else if (word === "DELETE") {
    token = tokens.next();
  }
  const { name } = readName(tokens, token);
  const lower = lowerAscii(name);
  if (lower === "sqlite_sequence") return { kind: "sequence" };
  if (isStatistics(name)) return { kind: "skip", what: `${word} ${lower}` };
  // The shell's `.dump` sets the version and rows of sqlite_schema only within the file that it writes.
  if (isSchemaName(name)) return { kind: "refuse", reason: `${word} of ${lower} is not possible` };
  return { kind: "change-rows", table: name };
}

function classifyDrop(tokens: TokenReader): StatementClass {
  const word = tokens.word(tokens.next());
  const { token } = readConditional(tokens);
  const { name } = readName(tokens, token);
  if (word !== "TABLE") return { kind: "other" };
  // This project's dumps drop the table in which they assembled a long row.
  if (/^tmp_export_stage(?:_[0-9]+)?$/.test(name)) return { kind: "bookkeeping" };
  return { kind: "drop-table", table: name };
}

function classifyAlter(tokens: TokenReader): StatementClass {
  tokens.next();
  const { name, next } = readName(tokens, tokens.next());
  const change: StatementClass = { kind: "alter-table", table: name, foreignKeys: [] };
  const word = tokens.word(next);
  if (word === "RENAME") {
    const token = tokens.next();
    if (tokens.word(token) !== "TO") return change;
    return { ...change, renamedTo: tokens.name(tokens.next()) };
  }
  if (word !== "ADD") return change;
  let token = tokens.next();
  if (tokens.word(token) === "COLUMN") token = tokens.next();
  return {
    ...change,
    columnAt: token?.start ?? tokens.bytes.length,
    foreignKeys: listForeignKeys(tokens),
  };
}

function classifyCreate(tokens: TokenReader): StatementClass {
  let word = tokens.word(tokens.next());
  if (word === "TEMP" || word === "TEMPORARY") {
    return { kind: "refuse", reason: "the platform has no temporary tables, views and triggers" };
  }
  const isUnique = word === "UNIQUE";
  const isVirtual = word === "VIRTUAL";
  if (isUnique || isVirtual) word = tokens.word(tokens.next());
  const { token, isConditional } = readConditional(tokens);
  switch (word) {
    case "TABLE":
      return classifyNewTable(tokens, token, { isVirtual, isConditional });
    case "INDEX": {
      const { next: on } = readName(tokens, token);
      if (tokens.word(on) !== "ON") return { kind: "other" };
      const table = tokens.name(tokens.next());
      const columns = isUnique ? readList(tokens, tokens.next()) : [];
      return { kind: "create-index", table, isUnique, columns };
    }
    case "TRIGGER":
      return { kind: "create-trigger", table: findTriggerTable(tokens) };
    case "VIEW":
      return { kind: "create-view" };
    default:
      return { kind: "other" };
  }
}

function classifyNewTable(
  tokens: TokenReader,
  token: ByteToken | undefined,
  options: { isVirtual: boolean; isConditional: boolean },
): StatementClass {
  const { name, place, next } = readName(tokens, token);
  const lower = lowerAscii(name);
  if (lower === "sqlite_sequence" || isStatistics(name) || isPlatformName(name)) {
    return { kind: "skip", what: `CREATE TABLE ${lower}` };
  }
  // A query takes its rows from other tables.
  if (tokens.word(next) === "AS") return { kind: "other" };
  return classifyTable(tokens, { name, place, ...options });
}

/** A trigger's table follows the first ON. */
function findTriggerTable(tokens: TokenReader): string {
  for (let token = tokens.next(); token !== undefined; token = tokens.next()) {
    const word = tokens.word(token);
    if (word === "ON") return tokens.name(tokens.next());
    if (word === "BEGIN") return "";
  }
  return "";
}

function classifyInsert(tokens: TokenReader, word: "INSERT" | "REPLACE"): StatementClass {
  let token = tokens.next();
  let conflict: string | undefined = word === "REPLACE" ? word : undefined;
  if (word === "INSERT" && tokens.word(token) === "OR") {
    conflict = tokens.word(tokens.next());
    token = tokens.next();
  }
  if (tokens.word(token) !== "INTO") return { kind: "other" };
  const { name, place, next } = readName(tokens, tokens.next());
  const lower = lowerAscii(name);
  if (lower === "sqlite_sequence") return { kind: "sequence" };
  if (isStatistics(name) || isPlatformName(name)) {
    return { kind: "skip", what: `INSERT INTO ${lower}` };
  }
  let rows = next;
  if (tokens.word(rows) === "AS") {
    tokens.next();
    rows = tokens.next();
  }
  let columns: string[] | undefined;
  if (tokens.is(rows, "(")) {
    columns = readList(tokens, rows);
    rows = tokens.next();
  }
  const rowsAt = rows?.start ?? tokens.bytes.length;
  if (isSchemaName(name)) return { kind: "schema-row", rowsAt };
  const hasValues = tokens.word(rows) === "VALUES";
  return {
    kind: "insert",
    table: name,
    lowerTable: lower,
    place,
    rowsAt,
    columns,
    hasValues,
    conflict,
  };
}

function isSchemaName(name: string): boolean {
  return /^sqlite_(?:master|schema)$/.test(lowerAscii(name));
}

function isStatistics(name: string): boolean {
  return /^sqlite_stat[1-4]$/.test(lowerAscii(name));
}
