import { asciiLower, asciiUpper } from "../lib/ascii-case.ts";
import type { Catalog, Table } from "./catalog.ts";
import { quoteIdentifier as q } from "./identifier.ts";
import { identifierOf, sqlTokens, type SqlToken } from "./sql-tokens.ts";

/** Names that a table has besides its columns'. */
const ROWID_NAMES = ["rowid", "_rowid_", "oid"];

/**
 * Warnings for tables and indexes whose text holds a string in double quotes. SQLite takes `"new"` for a string
 * if it is no column's name, but not with `SQLITE_DBCONFIG_DQS_DDL` off, as in `sqlite3` shells since 3.41.
 */
export function quotedStringWarnings(catalog: Catalog): string[] {
  const columnsOf = new Map(
    catalog.tables.map((table) => [asciiLower(table.name), columnNames(table)]),
  );
  const found = [
    ...catalog.tables
      .filter((table) => table.kind !== "virtual")
      .filter(({ name, sql }) => holdsString(tableExpressions(sql), name, columnsOf))
      .map(({ name }) => `table ${q(name)}`),
    ...catalog.indexes
      .filter(({ tableName, sql }) => holdsString(indexExpressions(sql), tableName, columnsOf))
      .map(({ name }) => `index ${q(name)}`),
  ];
  return found.map(
    (object) =>
      `the text of ${object} holds strings in double quotes: current sqlite3 shells load it only after ` +
      "`.dbconfig dqs_ddl on`",
  );
}

function holdsString(
  tokens: SqlToken[],
  table: string,
  columnsOf: ReadonlyMap<string, ReadonlySet<string>>,
): boolean {
  const columns = columnsOf.get(asciiLower(table)) ?? new Set();
  return tokens.some((_, at) => isStringInQuotes(tokens, at, columns));
}

/** The names of a table's columns, and of its rowid, in folded case. */
export function columnNames({ columns }: Table): ReadonlySet<string> {
  return new Set([...columns.map(({ name }) => asciiLower(name)), ...ROWID_NAMES]);
}

/** True if the token at `at` is in double quotes and names nothing, so that SQLite takes it for a string. */
export function isStringInQuotes(
  tokens: readonly SqlToken[],
  at: number,
  columns: ReadonlySet<string>,
): boolean {
  const token = tokens[at];
  if (token?.text.startsWith('"') !== true) return false;
  const before = asciiUpper(tokens[at - 1]?.text ?? "");
  const after = tokens[at + 1]?.text;
  // The name of a collation, a type, a table or a function.
  const isOtherName =
    before === "COLLATE" || before === "AS" || after === "." || (after === "(" && before !== "IN");
  return !isOtherName && !columns.has(asciiLower(identifierOf(token)));
}

/** The tokens within the parentheses of CHECK and AS. */
function tableExpressions(sql: string): SqlToken[] {
  const tokens = [...sqlTokens(sql)];
  const inside: SqlToken[] = [];
  let depth = 0;
  let startDepth = -1;
  for (const [at, token] of tokens.entries()) {
    const isInside = startDepth >= 0;
    if (token.text === "(") {
      const before = tokens[at - 1];
      const isStart = before?.kind === "word" && /^(?:CHECK|AS)$/i.test(before.text);
      if (isStart && startDepth < 0) startDepth = depth;
      depth += 1;
    } else if (token.text === ")") {
      depth -= 1;
      if (depth === startDepth) startDepth = -1;
    }
    if (isInside) inside.push(token);
  }
  return inside;
}

/** The tokens after the name of the index's table. */
function indexExpressions(sql: string): SqlToken[] {
  const tokens = [...sqlTokens(sql)];
  const on = tokens.findIndex(({ kind, text }) => kind === "word" && asciiUpper(text) === "ON");
  return tokens.slice(on + 2);
}
