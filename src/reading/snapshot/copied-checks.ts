import type { RowExpression } from "../../sqlite/column-sql.ts";
import { BROKEN_LIST_SQL, parseBroken } from "../../sqlite/page-query.ts";
import { selectLiveRows } from "../../sqlite/row-select.ts";
import type { DumpPlan } from "../../formats/plan.ts";
import type { Table } from "../../sqlite/catalog.ts";
import { ExportError } from "../../api/errors.ts";
import { CheckFinder } from "../check-finder.ts";
import type { Source, SourceResult, SourceStatement } from "../../databases/source.ts";

/**
 * Returns warnings for rows of `tables` that violate a CHECK. Call it for tables that a snapshot
 * has copied, immediately after the copy: a condition has the same meaning only over the table
 * itself. It reads whole tables if they have a CHECK. Errors: the source's own, but none that a
 * condition causes.
 */
export async function readCopiedChecks(
  source: Source,
  plan: DumpPlan,
  tables: readonly Table[],
): Promise<{ warnings: string[]; rowsRead: number }> {
  const checked = tables
    .map((table) => ({ table, finder: new CheckFinder(table, plan) }))
    .filter(({ finder }) => finder.brokenSql !== undefined);
  const found = { warnings: [] as string[], rowsRead: 0 };
  if (checked.length === 0) return found;
  const queries = checked.map(({ table, finder }) => brokenQuery(table, finder.brokenSql));
  const results = await runAll(source, queries);
  for (const [at, { table, finder }] of checked.entries()) {
    const { rows, rowsRead } =
      results?.[at] ??
      (await finder.read((brokenSql) => source.query(brokenQuery(table, brokenSql))));
    found.warnings.push(...finder.takeWarnings(parseBroken(rows[0]?.[0])));
    found.rowsRead += rowsRead;
  }
  return found;
}

/**
 * Returns the results of one call; undefined if a query fails, which must not affect the other
 * tables.
 */
async function runAll(
  source: Source,
  queries: SourceStatement[],
): Promise<SourceResult[] | undefined> {
  try {
    return await source.transaction(queries);
  } catch (error) {
    if (error instanceof ExportError && error.code !== "source-unavailable") return undefined;
    throw error;
  }
}

function brokenQuery(table: Table, brokenSql: RowExpression | undefined): SourceStatement {
  if (brokenSql === undefined) return { sql: "SELECT NULL" };
  const rows = selectLiveRows(table)({
    columns: (column) => [`${brokenSql(column)} AS b`],
    predicate: () => "",
    orderBy: "",
    limit: "-1",
  });
  return { sql: `SELECT ${BROKEN_LIST_SQL} FROM (${rows})` };
}
