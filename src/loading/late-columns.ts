import type { Source, SourceStatement } from "../databases/source.ts";
import { encodeUtf8 } from "../lib/bytes.ts";
import { lowerAscii } from "../lib/ascii-case.ts";
import { quoteIdentifier, quoteText } from "../sqlite/identifier.ts";
import { TokenReader } from "../sqlite/token-reader.ts";
import type { MovedKey, StagedRows } from "./staged-rows.ts";

/** For each table of a group, the columns that its rows can get after they are inserted; quoted. */
export type LateColumns = ReadonlyMap<StagedRows, readonly string[]>;

/**
 * Finds a column of each foreign key that can be NULL until all rows of the group are there. Rows then never wait for
 * one another. While any row waits, SQLite searches the children of each new row, and an index cannot help if the
 * child's column has another kind of affinity than its parent's: 50,000 rows took 27 seconds (November 2026).
 *
 * Returns undefined if a key has no such column, because a constraint could refuse the NULL. Errors: the source's own.
 */
export async function findLateColumns(
  source: Source,
  group: readonly StagedRows[],
  keys: readonly MovedKey[],
): Promise<LateColumns | undefined> {
  const late = new Map<StagedRows, string[]>();
  for (const rows of group) {
    const free = await listFreeColumns(source, rows);
    // A row that waits for this column's value would not find it.
    const isParent = (column: string): boolean =>
      keys.some(
        ({ parent, columns }) =>
          parent === rows && columns.some(({ to }) => lowerAscii(to) === lowerAscii(column)),
      );
    const found = new Set<string>();
    for (const { child, columns } of keys) {
      if (child !== rows) continue;
      const column = columns.find(({ from }) => free.has(from) && !isParent(from));
      if (column === undefined) return undefined;
      found.add(column.from);
    }
    late.set(rows, [...found]);
  }
  return late;
}

/** Returns the columns of a table that can be NULL for a while whatever else its row contains; quoted. */
async function listFreeColumns(
  source: Source,
  { name, key }: StagedRows,
): Promise<ReadonlySet<string>> {
  // Without a key, a row cannot be found again.
  if (key.length === 0) return new Set();
  const table = quoteText(name);
  const [schema] = (
    await source.query({
      sql:
        "SELECT sql, EXISTS (SELECT 1 FROM sqlite_master AS t WHERE t.type = 'trigger' AND " +
        `t.tbl_name = ${table} COLLATE NOCASE) OR EXISTS (SELECT 1 FROM pragma_index_list(${table}) AS l ` +
        'WHERE l."unique" AND (l.partial OR EXISTS ' +
        "(SELECT 1 FROM pragma_index_xinfo(l.name) WHERE cid = -2))) " +
        `FROM sqlite_master WHERE type = 'table' AND name = ${table} COLLATE NOCASE`,
      columns: 2,
    })
  ).rows;
  // A trigger would fire once more, and an index may contain an expression of the NULL.
  if (schema === undefined || Number(schema[1]) !== 0) return new Set();
  const { rows } = await source.query({
    sql: `SELECT name FROM pragma_table_xinfo(${table}) WHERE "notnull" = 0 AND pk = 0 AND hidden = 0`,
  });
  const used = listExpressionNames(String(schema[0]));
  return new Set(
    rows.flatMap(([column]) =>
      used.has(lowerAscii(String(column))) ? [] : [quoteIdentifier(String(column))],
    ),
  );
}

/** Returns the names, in lower case, in the CHECKs and the generated columns of a CREATE TABLE. */
function listExpressionNames(sql: string): ReadonlySet<string> {
  const tokens = new TokenReader(encodeUtf8(sql));
  const names = new Set<string>();
  let depth = 0;
  let before = "";
  for (let token = tokens.next(); token !== undefined; token = tokens.next()) {
    const opens = tokens.is(token, "(");
    if (opens && (depth > 0 || before === "CHECK" || before === "AS")) depth += 1;
    else if (depth > 0 && tokens.is(token, ")")) depth -= 1;
    else if (depth > 0) names.add(lowerAscii(tokens.name(token)));
    before = tokens.word(token);
  }
  return names;
}

/** Returns the statements that give moved rows the values of their late columns. */
export function setLateColumnsSql(late: LateColumns): SourceStatement[] {
  return [...late].flatMap(([{ table, stageName, key }, columns]) => {
    if (columns.length === 0) return [];
    const values = columns.map((column) => `${column} = ${stageName}.${column}`);
    const isSame = key.map((column) => `${table}.${column} = ${stageName}.${column}`);
    const isMissing = columns.map(
      (column) => `${table}.${column} IS NULL AND ${stageName}.${column} IS NOT NULL`,
    );
    const sql =
      `UPDATE ${table} SET ${values.join(", ")} FROM ${stageName} ` +
      `WHERE ${isSame.join(" AND ")} AND (${isMissing.join(" OR ")})`;
    return [{ sql }];
  });
}
