import type { Table } from "./catalog.ts";
import type { RowExpression } from "./column-sql.ts";
import { quoteIdentifier as q, quoteText } from "./identifier.ts";
import { isTableItself, TABLE_ALIAS } from "./row-select.ts";
import { columnNames, isStringInQuotes } from "./quoted-strings.ts";
import { parseIdentifier, isWord, tokenizeSql, type SqlToken } from "./sql-tokens.ts";

/** The most characters of a constraint in a warning. */
const SHOWN_CHARS_MAX = 200;

/** A CHECK constraint of a table or of one of its columns. */
export interface TableCheck {
  /** The constraint as a warning shows it: its name, if it has one, and its text, shortened. */
  shown: string;
  /** Its condition over the table itself, under the alias that page queries use. */
  conditionSql: string;
}

/**
 * Returns the CHECK constraints of an ordinary table in the order of its text, which is also
 * SQLite's order.
 */
export function listChecks(table: Table): TableCheck[] {
  if (table.kind === "virtual" || table.derived !== undefined) return [];
  const tokens = [...tokenizeSql(table.sql)];
  const columns = columnNames(table);
  const checks: TableCheck[] = [];
  let depth = 0;
  for (const [at, token] of tokens.entries()) {
    if (token.text === "(") depth += 1;
    else if (token.text === ")") depth -= 1;
    else if (depth === 1 && isWord(token, "CHECK") && tokens[at + 1]?.text === "(") {
      const inside = tokensInParentheses(tokens, at + 1);
      const close = tokens[at + 2 + inside.length];
      if (close === undefined) continue;
      const start = (tokens[at + 1] as SqlToken).start + 1;
      checks.push({
        shown: shownCheck(tokens, at, table.sql.slice(start, close.start)),
        conditionSql: conditionSql({ sql: table.sql, start, end: close.start }, inside, columns),
      });
    }
  }
  return checks;
}

/**
 * For a row of the table itself: the number, from 1, of the first check that the row violates, and
 * NULL if it violates none. As in SQLite, a check whose condition is NULL is not violated. Always
 * NULL for rows of copies, because a copy's columns do not have the affinity and collation that the
 * table uses to compare.
 */
export function brokenCheckSql(checks: readonly TableCheck[]): RowExpression {
  const whens = checks.map(({ conditionSql: sql }, at) => `WHEN NOT (${sql}) THEN ${at + 1}`);
  const broken = `CASE ${whens.join(" ")} END`;
  return (column) => (isTableItself(column) ? broken : "NULL");
}

/** Warning for a table that contains a row which violates `check`. */
export function describeBrokenCheck(table: string, check: TableCheck): string {
  return `table ${q(table)} has rows that violate ${check.shown}: they load only if CHECK is ignored`;
}

/** Warning for a table whose checks cannot be evaluated in its database. */
export function describeUnknownCheck(table: string, reason: string): string {
  return (
    `the CHECK constraints of table ${q(table)} cannot be evaluated (${cut(reason)}): ` +
    "rows that violate one load only if CHECK is ignored"
  );
}

/** The tokens between the parenthesis at `open` and the one that closes it. */
function tokensInParentheses(tokens: readonly SqlToken[], open: number): SqlToken[] {
  let depth = 0;
  for (let at = open; at < tokens.length; at += 1) {
    const text = tokens[at]?.text;
    if (text === "(") depth += 1;
    if (text === ")") depth -= 1;
    if (depth === 0) return tokens.slice(open + 1, at);
  }
  return tokens.slice(open + 1);
}

/**
 * Returns the condition for use in a query. SQLite resolves its names as in the constraint, with
 * two exceptions: a name before a dot is the table's, which has an alias in the query, and a string
 * in double quotes may be refused.
 */
function conditionSql(
  text: { sql: string; start: number; end: number },
  tokens: readonly SqlToken[],
  columns: ReadonlySet<string>,
): string {
  let sql = "";
  let written = text.start;
  for (const [at, token] of tokens.entries()) {
    const end = token.start + token.text.length;
    if (isQualifier(tokens, at)) {
      // In `schema.table.column`, the schema is removed with its dot.
      const isSchema = isQualifier(tokens, at + 2);
      sql += text.sql.slice(written, token.start) + (isSchema ? "" : TABLE_ALIAS);
      written = isSchema ? (tokens[at + 2] as SqlToken).start : end;
    } else if (isStringInQuotes(tokens, at, columns)) {
      sql += text.sql.slice(written, token.start) + quoteText(parseIdentifier(token));
      written = end;
    }
  }
  return sql + text.sql.slice(written, text.end);
}

/** True if the token is a name followed by a dot and another name. */
function isQualifier(tokens: readonly SqlToken[], at: number): boolean {
  return isName(tokens[at]) && tokens[at + 1]?.text === "." && isName(tokens[at + 2]);
}

function isName(token: SqlToken | undefined): boolean {
  return token?.kind === "quoted" || (token?.kind === "word" && !/^\d/.test(token.text));
}

function shownCheck(tokens: readonly SqlToken[], at: number, text: string): string {
  const name = isWord(tokens[at - 2], "CONSTRAINT") ? tokens[at - 1] : undefined;
  const named = name === undefined ? "" : `CONSTRAINT ${cut(q(parseIdentifier(name)))} `;
  return `${named}CHECK (${cut(text)})`;
}

function cut(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  if (line.length <= SHOWN_CHARS_MAX) return line;
  return `${line.slice(0, SHOWN_CHARS_MAX).toWellFormed()}…`;
}
