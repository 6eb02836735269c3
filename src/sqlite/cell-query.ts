import type { Cell } from "./cell.ts";
import { assert } from "../lib/assert.ts";
import { ExportError } from "../api/errors.ts";
import type { ColumnSql } from "./column-sql.ts";
import { type PageRequest, rowSelectSql, type Statement } from "./page-query.ts";
import { selectRenamedRows, type RowSelect } from "./row-select.ts";
import type { SqlValue } from "./sql-value.ts";
import { fitsStatement, shortenName, splitByLength } from "./statement-length.ts";

/** A result may have 100 columns: a cell takes two, and the key's columns are added. */
const CELLS_PER_QUERY = 25;

/** How the cells of a row are made from the row's columns. */
export interface CellSource {
  /** Replaces columns, given those of the row. */
  columnSql: (column: ColumnSql) => ColumnSql;
  /** The columns of the row, or its rowid, from which a cell is made. */
  inputsOf: (name: string) => string[];
}

const OWN_CELLS: CellSource = { columnSql: (column) => column, inputsOf: (name) => [name] };

/** Which cells are read, and how. */
interface Cells {
  columns: readonly string[];
  realSql: (name: string) => string;
  /** Default: the row's own columns. */
  source?: CellSource | undefined;
}

/**
 * Statements that read the one row after `after` cell by cell, as type and bytes. Nothing in them
 * is longer than the value itself, so they also read values that are too long for a literal.
 * `realSql` writes a real as the encoder of the rows does. Errors: `name-too-long` if a column
 * cannot be read even by itself.
 */
export function buildCellQueries(
  request: Pick<PageRequest, "table" | "after" | "upTo">,
  { columns, realSql, source = OWN_CELLS }: Cells,
  select: RowSelect,
): Statement[] {
  const groups: string[][] = [];
  for (let at = 0; at < columns.length; at += CELLS_PER_QUERY) {
    groups.push(columns.slice(at, at + CELLS_PER_QUERY));
  }
  return groups.flatMap((group) => {
    const statements = splitByLength(group, (part) => ({
      ...cellsQuery(request, { columns: part, realSql, source }, select),
      names: part,
    }));
    return statements.map(({ names, ...statement }) => {
      if (fitsStatement(statement)) return statement;
      const name = shortenName(names[0] ?? "");
      const message = `table ${shortenName(request.table.name)}: no statement that reads column ${name} is short enough`;
      throw new ExportError("name-too-long", message);
    });
  });
}

function cellsQuery(
  { table, after, upTo }: Pick<PageRequest, "table" | "after" | "upTo">,
  { columns: group, realSql, source = OWN_CELLS }: Cells,
  select: RowSelect,
): Statement {
  const keys = table.key.map((column) => column.name);
  const inputs = new Set(group.flatMap((name) => source.inputsOf(name)));
  const names = [...keys, ...[...inputs].filter((name) => !keys.includes(name))];
  const cells = (sqlOf: ColumnSql): string[] =>
    group.flatMap((column, at) => {
      const name = source.columnSql(sqlOf)(column);
      return [
        `typeof(${name}) AS t${at}`,
        `CASE typeof(${name}) WHEN 'text' THEN CAST(${name} AS BLOB) WHEN 'blob' THEN ${name} ` +
          `WHEN 'real' THEN ${realSql(name)} ` +
          `ELSE quote(${name}) END AS v${at}`,
      ];
    });
  const params: Statement["params"] = [];
  const rows = rowSelectSql(
    { table, after, upTo, limit: 1 },
    cells,
    selectRenamedRows(select, names),
    params,
  );
  const shown = group.map((_, at) => `t${at}, v${at}`);
  return { sql: `SELECT ${shown.join(", ")} FROM (${rows})`, params };
}

/** Returns the cells from the result rows of `buildCellQueries`. */
export function parseCells(rows: SqlValue[][]): Cell[] {
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
