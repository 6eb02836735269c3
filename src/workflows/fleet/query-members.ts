import type { Source, SourceStatement, SourceValue } from "../../databases/source.ts";
import { ExportError } from "../../api/errors.ts";
import { encodeUtf8 } from "../../lib/bytes.ts";
import { quoteIdentifier } from "../../sqlite/identifier.ts";
import { fitsStatement } from "../../sqlite/statement-length.ts";
import { TokenReader } from "../../sqlite/token-reader.ts";
import type { MemberCollector } from "./member-list.ts";

/** How many names one page of the query returns: at most 4 MB if all are as long as they may be. */
const PAGE_NAMES = 1_000;

/**
 * Adds what a SELECT of one column returns, page by page: each page starts after the last name of the page before. Errors:
 * `fleet-names-invalid` if the query is not one SELECT of one column of text, and the source's own.
 */
export async function collectFromQuery(
  source: Source,
  query: string,
  collector: MemberCollector,
): Promise<void> {
  const inner = requireOneSelect(query, collector);
  // The line break ends a comment at the end of the query.
  const from = `FROM (${inner}\n)`;
  const column = await findColumn(source, from, collector);
  let after: string | null = null;
  for (let isFirst = true; ; isFirst = false) {
    const rows = await ask(source, buildPage({ from, column, after, isFirst }), collector);
    for (const [name, type] of rows) {
      if (typeof name !== "string" || type !== "text") throw refuseValue(String(type), collector);
      collector.add(name, "a name");
      after = name;
    }
    if (rows.length < PAGE_NAMES) return;
  }
}

/**
 * A page of the names after `after`, whatever the collation of the column. The first page has no bound, so that it finds
 * NULL, which sorts first.
 */
function buildPage(page: {
  from: string;
  column: string;
  after: string | null;
  isFirst: boolean;
}): SourceStatement {
  const { from, column, after, isFirst } = page;
  const where = isFirst ? "" : ` WHERE ${column} COLLATE BINARY > ?`;
  return {
    sql:
      `SELECT DISTINCT ${column} COLLATE BINARY, typeof(${column}) ${from}${where} ` +
      `ORDER BY ${column} COLLATE BINARY LIMIT ${PAGE_NAMES}`,
    ...(after !== null && { params: [after] }),
    columns: 2,
  };
}

/**
 * Returns the text of a query that can stand in parentheses. Its source may run several statements of one text, so a
 * query that closes a parenthesis which it did not open, or contains a semicolon, is refused.
 */
function requireOneSelect(query: string, collector: MemberCollector): string {
  const bytes = encodeUtf8(query);
  const reader = new TokenReader(bytes);
  const first = reader.next();
  if (!["SELECT", "WITH", "VALUES"].includes(reader.word(first))) {
    throw collector.refuse("it is not a SELECT");
  }
  let depth = 0;
  for (let token = reader.next(); token !== undefined; token = reader.next()) {
    if (token.kind !== "other") continue;
    const text = reader.text(token);
    if (text === ";") {
      if (reader.next() !== undefined) throw collector.refuse("it has several statements");
      return requireBalanced(depth, reader.bytes.toString("utf8", 0, token.start), collector);
    }
    if (text === "(") depth += 1;
    if (text === ")") depth -= 1;
    if (depth < 0) break;
  }
  return requireBalanced(depth, query, collector);
}

function requireBalanced(depth: number, query: string, collector: MemberCollector): string {
  if (depth !== 0) throw collector.refuse("its parentheses do not match");
  if (!fitsStatement({ sql: query, columns: 2 })) throw collector.refuse("it is too long");
  return query;
}

async function findColumn(
  source: Source,
  from: string,
  collector: MemberCollector,
): Promise<string> {
  // Always one row: some sources return no columns without a row.
  const sql = `SELECT t.* FROM (SELECT 1) LEFT JOIN (SELECT * ${from} LIMIT 1) AS t ON 0`;
  const { columns } = await guard(() => source.query({ sql }), collector);
  const [column] = columns;
  if (columns.length !== 1 || column === undefined) {
    throw collector.refuse(`it returns ${columns.length} columns instead of one`);
  }
  return quoteIdentifier(column);
}

async function ask(
  source: Source,
  statement: SourceStatement,
  collector: MemberCollector,
): Promise<SourceValue[][]> {
  return (await guard(() => source.query(statement), collector)).rows;
}

/** The customer's query may be wrong: SQLite's message says what is. Other errors of the source are passed on. */
async function guard<T>(work: () => Promise<T>, collector: MemberCollector): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ExportError && error.code === "source-query-failed") {
      throw collector.refuse(error.message, error);
    }
    throw error;
  }
}

function refuseValue(type: string, collector: MemberCollector): ExportError {
  const what = type === "null" ? "NULL" : type === "blob" ? "a BLOB" : `a number (${type})`;
  const hint = type === "null" ? "leave it out" : "convert it with CAST(… AS TEXT)";
  return collector.refuse(`it returns ${what} as a name; ${hint}`);
}
