import { ExportError } from "../../api/errors.ts";
import type { KeyRange } from "../../sqlite/key-range.ts";
import type { Table } from "../../sqlite/catalog.ts";

/** What restoring one table writes. */
export interface TableCost {
  name: string;
  rows: number;
  /** Rows that the runtime bills for each: the row itself, and its entry in each index. */
  rowsWrittenPerRow: number;
}

/**
 * Returns about what restoring tables writes, from the number of their rows; a table whose rows are unknown counts as
 * empty. Search indexes write more than this counts.
 */
export function estimateCosts(
  tables: readonly Table[],
  rowsOf: readonly Pick<KeyRange, "table" | "rows">[],
): TableCost[] {
  const rows = new Map(rowsOf.map((each) => [each.table, each.rows]));
  return tables.map((table) => ({
    name: table.name,
    rows: rows.get(table.name) ?? 0,
    rowsWrittenPerRow: countWrites(table),
  }));
}

function countWrites({ kind, indexes }: Table): number {
  // The primary key of a WITHOUT ROWID table is the table itself.
  const own = indexes.filter(({ origin }) => kind !== "without-rowid" || origin !== "pk");
  return 1 + own.length;
}

/** Errors: `proof-too-large` if restoring the tables writes more rows than the deployment allows. */
export function requireAffordable(costs: readonly TableCost[], rowsMax: number): void {
  let rowsWritten = 0;
  for (const { rows, rowsWrittenPerRow } of costs) rowsWritten += rows * rowsWrittenPerRow;
  requireAffordableRows(rowsWritten, rowsMax);
}

/** Errors: `proof-too-large` if a restore that writes `rowsWritten` rows costs more than the deployment allows. */
export function requireAffordableRows(rowsWritten: number, rowsMax: number): void {
  if (rowsWritten <= rowsMax) return;
  throw new ExportError(
    "proof-too-large",
    `proving this database by a restore writes about ${rowsWritten} rows, index entries included, ` +
      `and EXPORT_PROOF_ROWS_MAX allows ${rowsMax}`,
  );
}
