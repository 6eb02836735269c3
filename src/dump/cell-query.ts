import type { Cell } from "../model/cell.ts";
import { assert } from "../lib/assert.ts";
import { quoteIdentifier } from "./identifier.ts";
import { type PageRequest, type RowSelect, rowSelectSql, type Statement } from "./page-query.ts";

/** A result may have 100 columns: a cell takes two, and the key's columns come with them. */
const CELLS_PER_QUERY = 25;

/**
 * Statements that read the one row behind `after` cell by cell, as type and bytes: nothing in them
 * is longer than the value itself, so they read what no literal of it could be built for. `realSql`
 * writes a real as the encoder of the rows does.
 */
export function cellQueries(
  request: PageRequest,
  { columns, realSql }: { columns: readonly string[]; realSql: (name: string) => string },
  select: RowSelect,
): Statement[] {
  const statements: Statement[] = [];
  for (let at = 0; at < columns.length; at += CELLS_PER_QUERY) {
    const cells = columns.slice(at, at + CELLS_PER_QUERY).flatMap((column, of) => {
      const name = quoteIdentifier(column);
      return [
        `typeof(${name}) AS t${of}`,
        `CASE typeof(${name}) WHEN 'text' THEN CAST(${name} AS BLOB) WHEN 'blob' THEN ${name} ` +
          `WHEN 'real' THEN ${realSql(name)} ` +
          `ELSE quote(${name}) END AS v${of}`,
      ];
    });
    const params: Statement["params"] = [];
    const rows = rowSelectSql({ ...request, limit: 1 }, cells, select, params);
    const names = cells.map((_, of) => `${of % 2 === 0 ? "t" : "v"}${Math.floor(of / 2)}`);
    statements.push({ sql: `SELECT ${names.join(", ")} FROM (${rows})`, params });
  }
  return statements;
}

/** The cells from the result rows of `cellQueries`. */
export function parseCells(rows: (ArrayBuffer | string | number | null)[][]): Cell[] {
  const cells: Cell[] = [];
  for (const row of rows) {
    for (let at = 0; at < row.length; at += 2) {
      const type = row[at];
      const value = row[at + 1];
      if (type === "text" || type === "blob") {
        assert(value instanceof ArrayBuffer, "text and blobs arrive as bytes");
        cells.push({ type, bytes: new Uint8Array(value) });
      } else {
        cells.push({ type: "plain", literal: String(value) });
      }
    }
  }
  return cells;
}
