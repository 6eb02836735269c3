import type { SchemaObject, Table } from "../../sqlite/catalog.ts";
import { lowerAscii, upperAscii } from "../../lib/ascii-case.ts";
import { quoteIdentifier as q } from "../../sqlite/identifier.ts";
import { parseIdentifier, tokenizeSql, type SqlToken } from "../../sqlite/sql-tokens.ts";

/**
 * Returns a sentence for each trigger that writes text into an FTS5 table that differs from the
 * column of the same name, for instance `lower(new.title)`. A restored index is built from the
 * stored content. Only the triggers' own statements are read, so text that a program computes is
 * not found.
 */
export function findOtherTextWarnings(
  table: Table,
  columns: readonly string[],
  triggers: readonly SchemaObject[],
): string[] {
  return triggers
    .filter(({ sql }) =>
      writtenValues(sql, table.name, columns).some(
        ({ column, value }) => !isPlain(column, value) && lowerAscii(column) !== "rowid",
      ),
    )
    .map(
      ({ name }) =>
        `trigger ${q(name)} writes text into FTS5 table ${q(table.name)} that differs from its stored content: ` +
        "the restored index finds the stored words",
    );
}

interface WrittenValue {
  column: string;
  value: SqlToken[];
}

/** Returns what a trigger's INSERTs and UPDATEs write into `table`, without commands to FTS5. */
function writtenValues(sql: string, table: string, columns: readonly string[]): WrittenValue[] {
  const tokens = [...tokenizeSql(sql)];
  const found: WrittenValue[] = [];
  for (let at = 1; at < tokens.length; at += 1) {
    const token = tokens[at] as SqlToken;
    if (token.kind === "other" || lowerAscii(parseIdentifier(token)) !== lowerAscii(table))
      continue;
    const before = wordAt(tokens, at - 1);
    if (before === "INTO") found.push(...insertedValues(tokens, at + 1, { table, columns }));
    if (before === "UPDATE" && wordAt(tokens, at + 1) === "SET") {
      for (const [column, equals, ...value] of listFrom(tokens, at + 2)) {
        if (column === undefined || equals?.text !== "=") continue;
        found.push({ column: parseIdentifier(column), value });
      }
    }
  }
  return found;
}

function insertedValues(
  tokens: SqlToken[],
  start: number,
  { table, columns }: { table: string; columns: readonly string[] },
): WrittenValue[] {
  let at = start;
  let names: readonly string[] = columns;
  if (tokens[at]?.text === "(") {
    names = listFrom(tokens, at + 1).map(([name]) =>
      name === undefined ? "" : parseIdentifier(name),
    );
    while (at < tokens.length && tokens[at]?.text !== ")") at += 1;
    at += 1;
  }
  if (names.some((name) => lowerAscii(name) === lowerAscii(table))) return [];
  const word = wordAt(tokens, at);
  const from = word === "VALUES" ? at + 2 : word === "SELECT" ? at + 1 : undefined;
  if (from === undefined) return [];
  return listFrom(tokens, from).map((value, index) => ({ column: names[index] ?? "", value }));
}

const LIST_ENDS = new Set(["FROM", "WHERE", "GROUP", "ORDER", "LIMIT", "UNION", "RETURNING"]);

/**
 * Returns the terms of a list that starts at a token, split at its commas; the list ends with its
 * clause.
 */
function listFrom(tokens: SqlToken[], start: number): SqlToken[][] {
  const terms: SqlToken[][] = [[]];
  let depth = 0;
  for (let at = start; at < tokens.length; at += 1) {
    const token = tokens[at] as SqlToken;
    if (depth === 0) {
      if (token.text === ")" || token.text === ";") break;
      if (token.kind === "word" && LIST_ENDS.has(upperAscii(token.text))) break;
      if (token.text === ",") {
        terms.push([]);
        continue;
      }
    }
    if (token.text === "(") depth += 1;
    if (token.text === ")") depth -= 1;
    terms.at(-1)?.push(token);
  }
  return terms;
}

/** True for `title`, `new.title` and `n.title` as the value of column `title`. */
function isPlain(column: string, value: SqlToken[]): boolean {
  const name = value.at(-1);
  if (name === undefined || name.kind === "other") return false;
  if (value.length !== 1 && (value.length !== 3 || value[1]?.text !== ".")) return false;
  return lowerAscii(parseIdentifier(name)) === lowerAscii(column);
}

function wordAt(tokens: SqlToken[], at: number): string {
  const token = tokens[at];
  return token?.kind === "word" ? upperAscii(token.text) : "";
}
