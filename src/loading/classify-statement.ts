import { lowerAscii } from "../lib/ascii-case.ts";
import { type ByteToken, TokenReader } from "../sqlite/token-reader.ts";

/** The position of a table's name in a statement, including its schema's name and dot. */
export interface NamePlace {
  start: number;
  end: number;
}

/** What a statement of a script does, as far as loading it is concerned. */
export type StatementClass =
  /** It has no effect in a new database, or the platform does not allow it and nothing depends on it. */
  | { kind: "skip"; what: string }
  /** The script cannot be loaded. */
  | { kind: "refuse"; reason: string }
  | {
      kind: "create-table";
      name: string;
      place: NamePlace;
      /** Names of the tables that it refers to, in lower case. */
      parents: string[];
      isVirtual: boolean;
    }
  | {
      kind: "insert";
      table: string;
      place: NamePlace;
      /** The start of the rows: after the table and its columns. */
      rowsAt: number;
      /** True if the statement lists its columns. */
      hasColumns: boolean;
      /** True for `VALUES`; false for a query, and for DEFAULT VALUES. */
      hasValues: boolean;
    }
  /** A row of `sqlite_schema`, as `sqlite3 .dump` writes a virtual table. */
  | { kind: "schema-row"; rowsAt: number }
  | { kind: "create-index"; table: string; isUnique: boolean }
  | { kind: "create-trigger"; table: string }
  | { kind: "create-view" }
  /** It changes how SQLite counts or searches, and no row. */
  | { kind: "bookkeeping" }
  /** Anything else, which may read or change any row. */
  | { kind: "other" };

/** Statements that only bracket or configure a session. */
const SKIPPED = new Set([
  "BEGIN",
  "COMMIT",
  "END",
  "SAVEPOINT",
  "RELEASE",
  "PRAGMA",
  "VACUUM",
  "EXPLAIN",
  "VALUES",
]);

const KNOWN_WORDS = new Set(["SELECT", "WITH", "UPDATE", "ALTER"]);

/** Objects that only Cloudflare, or its local runtime, may create. */
function isPlatformName(name: string): boolean {
  const lower = lowerAscii(name);
  return lower.startsWith("_cf_") || lower === "__miniflare_do_name";
}

/**
 * Classifies one statement by its first tokens. `bytes` is the statement from its first token on. Reads a whole
 * CREATE TABLE, and no more than the head of anything else.
 */
export function classifyStatement(bytes: Uint8Array): StatementClass {
  const tokens = new TokenReader(bytes);
  const first = tokens.next();
  const word = tokens.word(first);
  if (SKIPPED.has(word)) return { kind: "skip", what: word };
  switch (word) {
    case "CREATE":
      return classifyCreate(tokens);
    case "INSERT":
    case "REPLACE":
      return classifyInsert(tokens, word);
    case "SELECT":
      // A query changes nothing, except that the entries of a key-value storage are stored in one.
      return { kind: "bookkeeping" };
    case "DELETE":
      return isSequence(tokens) ? { kind: "bookkeeping" } : { kind: "other" };
    case "DROP":
      return isStageDrop(tokens) ? { kind: "bookkeeping" } : { kind: "other" };
    case "ANALYZE":
    case "REINDEX":
      return { kind: "bookkeeping" };
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

function isSequence(tokens: TokenReader): boolean {
  if (tokens.word(tokens.next()) !== "FROM") return false;
  const { name } = readName(tokens, tokens.next());
  return lowerAscii(name) === "sqlite_sequence" || isStatistics(name);
}

/** A dump of this project drops the table in which it has assembled a long row. */
function isStageDrop(tokens: TokenReader): boolean {
  tokens.next();
  return /^tmp_export_stage(?:_[0-9]+)?$/.test(tokens.name(tokens.next()));
}

function isStatistics(name: string): boolean {
  return /^sqlite_stat[1-4]$/.test(lowerAscii(name));
}

/** Reads `name` or `schema.name`, and the token after it. */
function readName(
  tokens: TokenReader,
  first: ByteToken | undefined,
): { name: string; place: NamePlace; next: ByteToken | undefined } {
  const place = { start: first?.start ?? 0, end: first?.end ?? 0 };
  const next = tokens.next();
  if (!tokens.is(next, ".")) return { name: tokens.name(first), place, next };
  const last = tokens.next();
  return {
    name: tokens.name(last),
    place: { ...place, end: last?.end ?? place.end },
    next: tokens.next(),
  };
}

function classifyCreate(tokens: TokenReader): StatementClass {
  let token = tokens.next();
  let word = tokens.word(token);
  if (word === "TEMP" || word === "TEMPORARY") {
    return { kind: "refuse", reason: "the platform has no temporary tables, views and triggers" };
  }
  const isUnique = word === "UNIQUE";
  const isVirtual = word === "VIRTUAL";
  if (isUnique || isVirtual) word = tokens.word(tokens.next());
  token = tokens.next();
  if (tokens.word(token) === "IF") {
    tokens.next();
    tokens.next();
    token = tokens.next();
  }
  switch (word) {
    case "TABLE":
      return classifyTable(tokens, token, isVirtual);
    case "INDEX": {
      const { next: on } = readName(tokens, token);
      const table = tokens.word(on) === "ON" ? tokens.name(tokens.next()) : "";
      return { kind: "create-index", table, isUnique };
    }
    case "TRIGGER":
      return { kind: "create-trigger", table: findTriggerTable(tokens) };
    case "VIEW":
      return { kind: "create-view" };
    default:
      return { kind: "other" };
  }
}

/** The table of a trigger stands after the first ON. */
function findTriggerTable(tokens: TokenReader): string {
  for (let token = tokens.next(); token !== undefined; token = tokens.next()) {
    const word = tokens.word(token);
    if (word === "ON") return tokens.name(tokens.next());
    if (word === "BEGIN") return "";
  }
  return "";
}

function classifyTable(
  tokens: TokenReader,
  first: ByteToken | undefined,
  isVirtual: boolean,
): StatementClass {
  const { name, place, next } = readName(tokens, first);
  const lower = lowerAscii(name);
  if (lower === "sqlite_sequence" || isStatistics(name)) {
    return { kind: "skip", what: `CREATE TABLE ${lower}` };
  }
  if (isPlatformName(name)) return { kind: "skip", what: `CREATE TABLE ${lower}` };
  // The rows of a query come from other tables.
  if (tokens.word(next) === "AS") return { kind: "other" };
  return {
    kind: "create-table",
    name,
    place,
    parents: isVirtual ? [] : listParents(tokens),
    isVirtual,
  };
}

/** REFERENCES is a reserved word: only a foreign key has it outside quotes. */
function listParents(tokens: TokenReader): string[] {
  const parents = new Set<string>();
  for (let token = tokens.next(); token !== undefined; token = tokens.next()) {
    if (tokens.word(token) === "REFERENCES") parents.add(lowerAscii(tokens.name(tokens.next())));
  }
  return [...parents];
}

function classifyInsert(tokens: TokenReader, word: string): StatementClass {
  let token = tokens.next();
  if (word === "INSERT" && tokens.word(token) === "OR") {
    tokens.next();
    token = tokens.next();
  }
  if (tokens.word(token) !== "INTO") return { kind: "other" };
  const { name, place, next } = readName(tokens, tokens.next());
  const lower = lowerAscii(name);
  if (lower === "sqlite_sequence" || isStatistics(name)) return { kind: "bookkeeping" };
  if (isPlatformName(name)) return { kind: "skip", what: `INSERT INTO ${lower}` };
  let rows = next;
  if (tokens.word(rows) === "AS") {
    tokens.next();
    rows = tokens.next();
  }
  const hasColumns = tokens.is(rows, "(");
  if (hasColumns) {
    while (rows !== undefined && !tokens.is(rows, ")")) rows = tokens.next();
    rows = tokens.next();
  }
  const rowsAt = rows?.start ?? tokens.bytes.length;
  if (lower === "sqlite_schema" || lower === "sqlite_master") return { kind: "schema-row", rowsAt };
  return {
    kind: "insert",
    table: name,
    place,
    rowsAt,
    hasColumns,
    hasValues: tokens.word(rows) === "VALUES",
  };
}
