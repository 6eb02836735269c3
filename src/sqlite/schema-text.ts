import type { Column, Table, TableIndex } from "./catalog.ts";
import { quoteIdentifier, quoteText } from "./identifier.ts";
import { parseIdentifier, isWord, type SqlToken, tokenizeSql } from "./sql-tokens.ts";
import { lowerAscii, upperAscii } from "../lib/ascii-case.ts";

/** What a column's definition contains that no pragma returns. */
export interface ColumnText {
  collation: string;
  /** Expression of a generated column. */
  generatedAs?: string;
}

/** What a CREATE INDEX statement contains that no pragma returns. */
export interface IndexText {
  /** One per term: SQL of its expression, without COLLATE and direction. */
  terms: string[];
  /** The condition of a partial index. */
  where?: string;
}

/** Returns the columns' texts, in the order of the table's columns. */
export function parseColumnTexts(table: Table): ColumnText[] {
  const definitions = commaParts(insideFirstParentheses([...tokenizeSql(table.sql)]));
  return table.columns.map((column, at) => columnText(table, column, definitions[at] ?? []));
}

function columnText(table: Table, column: Column, tokens: SqlToken[]): ColumnText {
  const text: ColumnText = { collation: "BINARY" };
  const outer = outerTokens(tokens);
  for (const [place, { token, at }] of outer.entries()) {
    const next = outer[place + 1];
    if (place === 0 || next === undefined) continue;
    if (isWord(token, "COLLATE")) text.collation = upperAscii(parseIdentifier(next.token));
    if (column.generated !== "no" && isWord(token, "AS") && next.token.text === "(") {
      text.generatedAs = withoutQualifier(
        table.name,
        table.sql,
        insideFirstParentheses(tokens.slice(at)),
      );
    }
  }
  return text;
}

/** Returns the texts of an index that has a CREATE INDEX statement. */
export function parseIndexText(table: Table, index: TableIndex): IndexText {
  const sql = index.sql ?? "";
  const tokens = [...tokenizeSql(sql)];
  const inside = insideFirstParentheses(tokens);
  const terms = commaParts(inside).map((term) =>
    withoutQualifier(table.name, sql, withoutOrder(term)),
  );
  const last = inside.at(-1);
  const behind = tokens.slice(last === undefined ? 0 : tokens.indexOf(last) + 2);
  if (!isWord(behind[0], "WHERE")) return { terms };
  return { terms, where: withoutQualifier(table.name, sql, behind.slice(1)) };
}

/**
 * Returns SQL of a column's default value, or undefined if that is NULL. SQLite treats a bare or
 * double-quoted name in a DEFAULT as a string.
 */
export function defaultValueSql(column: Column): string | undefined {
  if (column.defaultSql === undefined) return undefined;
  const tokens = [...tokenizeSql(column.defaultSql)];
  const only = tokens.length === 1 ? tokens[0] : undefined;
  if (only !== undefined && isNameUsedAsString(only)) return quoteText(parseIdentifier(only));
  return `(${column.defaultSql})`;
}

function isNameUsedAsString(token: SqlToken): boolean {
  if (token.kind === "quoted") return true;
  return (
    token.kind === "word" &&
    !/^\d/.test(token.text) &&
    !/^(null|true|false|current_(time|date|timestamp))$/i.test(token.text)
  );
}

/** Source text of `tokens`, without `<table>.` before column names. */
function withoutQualifier(tableName: string, sql: string, tokens: SqlToken[]): string {
  let text = "";
  let end = tokens[0]?.start ?? 0;
  for (let at = 0; at < tokens.length; at += 1) {
    const token = tokens[at] as SqlToken;
    text += sql.slice(end, token.start);
    end = token.start + token.text.length;
    const isQualifier =
      (token.kind === "word" || token.kind === "quoted") &&
      tokens[at + 1]?.text === "." &&
      tokens[at + 2]?.kind !== "other" &&
      lowerAscii(parseIdentifier(token)) === lowerAscii(tableName);
    if (isQualifier) {
      end = (tokens[at + 1] as SqlToken).start + 1;
      at += 1;
    } else {
      text += token.text;
    }
  }
  return text;
}

function withoutOrder(tokens: SqlToken[]): SqlToken[] {
  let rest = tokens;
  if (rest.length > 1 && (isWord(rest.at(-1), "ASC") || isWord(rest.at(-1), "DESC"))) {
    rest = rest.slice(0, -1);
  }
  return rest.length > 2 && isWord(rest.at(-2), "COLLATE") ? rest.slice(0, -2) : rest;
}

/** Tokens between the first parenthesis and the one that closes it. */
function insideFirstParentheses(tokens: SqlToken[]): SqlToken[] {
  const start = tokens.findIndex((token) => token.text === "(");
  let depth = 0;
  for (let at = start; at >= 0 && at < tokens.length; at += 1) {
    const { text } = tokens[at] as SqlToken;
    if (text === "(") depth += 1;
    if (text === ")") depth -= 1;
    if (depth === 0) return tokens.slice(start + 1, at);
  }
  return [];
}

/** Tokens split at the commas outside all parentheses. */
function commaParts(tokens: SqlToken[]): SqlToken[][] {
  const parts: SqlToken[][] = [[]];
  let depth = 0;
  for (const token of tokens) {
    if (token.text === "(") depth += 1;
    if (token.text === ")") depth -= 1;
    if (token.text === "," && depth === 0) parts.push([]);
    else (parts.at(-1) as SqlToken[]).push(token);
  }
  return parts;
}

/** Tokens outside parentheses, including each opening parenthesis, with their positions. */
function outerTokens(tokens: SqlToken[]): { token: SqlToken; at: number }[] {
  const outer: { token: SqlToken; at: number }[] = [];
  let depth = 0;
  for (const [at, token] of tokens.entries()) {
    if (token.text === ")") depth -= 1;
    if (depth === 0 && token.text !== ")") outer.push({ token, at });
    if (token.text === "(") depth += 1;
  }
  return outer;
}

/** `NEW."c"`, with the value that replaces NULL if the column is NOT NULL. */
export function newValueSql(column: Column | undefined, name: string): string {
  const value = `NEW.${quoteIdentifier(name)}`;
  const byDefault = column?.notNull === true ? defaultValueSql(column) : undefined;
  return byDefault === undefined ? value : `coalesce(${value}, ${byDefault})`;
}
