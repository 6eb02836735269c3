import { lowerAscii } from "../lib/ascii-case.ts";
import { parseIdentifier, tokenizeSql } from "../sqlite/sql-tokens.ts";
import { TokenReader } from "../sqlite/token-reader.ts";
import { findModule, makesShadow } from "../sqlite/virtual-table.ts";

/** A virtual table that a script writes into `sqlite_schema` instead of creating it. */
export interface SchemaRow {
  name: string;
  /** Its CREATE VIRTUAL TABLE. */
  sql: string;
  /** In lower case. */
  module: string;
}

/**
 * Parses the row that `INSERT INTO sqlite_schema … VALUES('table', name, name, 0, sql)` inserts. `sqlite3 .dump`
 * writes such rows (https://www.sqlite.org/cli.html). Returns undefined for anything but a virtual table.
 */
export function parseSchemaRow(bytes: Uint8Array, rowsAt: number): SchemaRow | undefined {
  const tokens = new TokenReader(bytes, rowsAt);
  const values: string[] = [];
  for (let token = tokens.next(); token !== undefined; token = tokens.next()) {
    if (token.kind === "string") values.push(tokens.name(token));
  }
  const [type, name, tableName, sql] = values;
  if (type !== "table" || name === undefined || name !== tableName || sql === undefined) {
    return undefined;
  }
  const module = findModule(sql);
  return /^\s*CREATE\s+VIRTUAL\s+TABLE\b/i.test(sql) && module !== ""
    ? { name, sql, module }
    : undefined;
}

/** The suffixes of FTS5's internal tables, which follow the table's own name. */
const SEARCH_SHADOWS = ["data", "idx", "content", "docsize", "config"];

/** The names of an FTS5 table's internal tables, in lower case. */
export function listSearchShadows({ name, sql }: SchemaRow): string[] {
  return SEARCH_SHADOWS.filter((suffix) => makesShadow(sql, suffix)).map(
    (suffix) => `${lowerAscii(name)}_${suffix}`,
  );
}

/** The column names of an FTS5 table, in order: the arguments that are not options. */
export function listSearchColumns(sql: string): string[] {
  const columns: string[] = [];
  let depth = 0;
  let isFirst = true;
  let name: string | undefined;
  let isOption = false;
  const end = (): void => {
    if (name !== undefined && !isOption) columns.push(name);
    [name, isOption, isFirst] = [undefined, false, true];
  };
  for (const token of tokenizeSql(sql)) {
    if (token.text === "(") depth += 1;
    else if (token.text === ")") depth -= 1;
    else if (depth === 1 && token.text === ",") end();
    else if (depth === 1) {
      if (isFirst) name = parseIdentifier(token);
      if (token.text === "=") isOption = true;
      isFirst = false;
    }
    if (depth === 0 && token.text === ")") break;
  }
  end();
  return columns;
}
