import { lowerAscii } from "../../lib/ascii-case.ts";
import type { Catalog } from "../../sqlite/catalog.ts";
import { quoteIdentifier as q } from "../../sqlite/identifier.ts";
import { columnNames, isStringInQuotes } from "../../sqlite/quoted-strings.ts";
import { isWord, tokenizeSql, type SqlToken } from "../../sqlite/sql-tokens.ts";

/**
 * Returns warnings for tables and indexes whose text contains a string in double quotes. SQLite
 * treats `"new"` as a string if it is not a column's name, unless `SQLITE_DBCONFIG_DQS_DDL` is off,
 * as in `sqlite3` shells since 3.41.
 */
export function findQuotedStringWarnings(catalog: Catalog): string[] {
  const columnsOf = new Map(
    catalog.tables.map((table) => [lowerAscii(table.name), columnNames(table)]),
  );
  const found = [
    ...catalog.tables
      .filter((table) => table.kind !== "virtual")
      .filter(({ sql }) => mayHoldString(sql) && /check|as/i.test(sql))
      .filter(({ name, sql }) => holdsString(tableExpressions(sql), name, columnsOf))
      .map(({ name }) => `table ${q(name)}`),
    ...catalog.indexes
      .filter(({ sql }) => mayHoldString(sql))
      .filter(({ tableName, sql }) => holdsString(indexExpressions(sql), tableName, columnsOf))
      .map(({ name }) => `index ${q(name)}`),
  ];
  return found.map(
    (object) =>
      `the text of ${object} contains strings in double quotes: current sqlite3 shells load it only after ` +
      "`.dbconfig dqs_ddl on`",
  );
}

/** Most texts need not be divided into tokens. */
function mayHoldString(sql: string): boolean {
  return sql.includes('"');
}

function holdsString(
  tokens: SqlToken[],
  table: string,
  columnsOf: ReadonlyMap<string, ReadonlySet<string>>,
): boolean {
  const columns = columnsOf.get(lowerAscii(table)) ?? new Set();
  return tokens.some((_, at) => isStringInQuotes(tokens, at, columns));
}

/** The tokens within the parentheses of CHECK and AS. */
function tableExpressions(sql: string): SqlToken[] {
  const tokens = [...tokenizeSql(sql)];
  const inside: SqlToken[] = [];
  let depth = 0;
  let startDepth = -1;
  for (const [at, token] of tokens.entries()) {
    const isInside = startDepth >= 0;
    if (token.text === "(") {
      const before = tokens[at - 1];
      const isStart = isWord(before, "CHECK") || isWord(before, "AS");
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
  const tokens = [...tokenizeSql(sql)];
  const on = tokens.findIndex((token) => isWord(token, "ON"));
  return tokens.slice(on + 2);
}
