import type { Table } from "../sqlite/catalog.ts";
import type { Cell } from "../sqlite/cell.ts";
import { describeKey, type RowKey } from "../sqlite/row-key.ts";
import { ExportError } from "../api/errors.ts";
import { PAGE_BYTES, STATEMENT_BYTES_MAX } from "../api/limits.ts";
import { buildPageQuery, parsePage, type RawPage, type Statement } from "../sqlite/page-query.ts";
import type { RowExpression } from "../sqlite/column-sql.ts";
import { buildCellQueries, parseCells } from "../sqlite/cell-query.ts";
import { quoteIdentifier } from "../sqlite/identifier.ts";
import { shortenName, StatementTooLong } from "../sqlite/statement-length.ts";
import type { TableEncoder } from "../formats/table-encoder.ts";
import { findQueryProblem } from "../databases/query-problem.ts";
import type { KeptPage, TableReader } from "./table-reader.ts";

/** More rows than a value of 2 MB can hold. */
const KEYLESS_ROWS_MAX = 10_000_000;

/** What one read of a table returns: a page of rows, one large row cell by cell, or its end. */
export type PageRead =
  | { kind: "end"; rowsRead: number }
  | ({
      rows: number;
      byteLength: number;
      last: RowKey;
      broken: number[];
      limit: number;
      rowsRead: number;
      complete: boolean;
      /** False if an earlier call requested the page together with its own. Default: true. */
      isRequested?: boolean;
    } & ({ kind: "page"; raw: RawPage } | { kind: "row"; cells: Cell[] }));

/** The rows of one read. */
export interface PagePlace {
  /** The last key that was read before. */
  after: RowKey;
  /** The last key that may be read, of a table with one integer key; undefined for no bound. */
  upTo: bigint | undefined;
  /** The most rows. */
  limit: number;
  /** The bytes of a row's text, as far as known. */
  rowBytes: number;
}

/**
 * Reads at most `limit` rows of about `rowBytes` of text each. It reads fewer if their text exceeds
 * the length of a value. It reads one row cell by cell if even the text of one row exceeds it, or
 * if the query of the text is too long.
 *
 * Errors: those of the reader, `value-not-exportable`, `table-not-pageable`, `name-too-long`.
 */
export async function readPage(
  reader: TableReader,
  table: Table,
  encoder: TableEncoder,
  place: PagePlace & { brokenSql: RowExpression | undefined },
): Promise<PageRead> {
  const { after, upTo, limit, rowBytes, brokenSql } = place;
  const { rowGapHex } = encoder;
  const rowSql = encoder.rowSql(rowBytes);
  const kept = reader.keptPage?.(table);
  if (kept !== undefined) return readKept(kept, after);
  if (table.key.length === 0) {
    // Its one page ends with an empty key, and nothing follows it.
    return after === null
      ? readWhole(reader, table, encoder, brokenSql)
      : { kind: "end", rowsRead: 0 };
  }
  for (let rows = limit; rows >= 1; rows = Math.floor(rows / 4)) {
    try {
      const [result] = await reader.readRows(table, (select) => [
        buildPageQuery({ table, rowSql, rowGapHex, after, upTo, limit: rows, brokenSql }, select),
      ]);
      const raw = parsePage(result?.rows[0] ?? []);
      const rowsRead = result?.rowsRead ?? 0;
      if (raw.rows === 0) return { kind: "end", rowsRead };
      return {
        kind: "page",
        raw,
        rows: raw.rows,
        byteLength: raw.bytes.byteLength,
        last: raw.last,
        broken: raw.broken,
        limit: rows,
        rowsRead,
        complete: raw.rows < rows,
      };
    } catch (error) {
      if (error instanceof StatementTooLong && brokenSql === undefined) break;
      if (findQueryProblem(error) !== "too-big") throw error;
    }
  }
  return readRow(reader, table, encoder, { after, upTo, brokenSql });
}

/** A kept page ends with an empty key, and nothing follows it. */
async function readKept(read: () => Promise<KeptPage>, after: RowKey): Promise<PageRead> {
  if (after !== null) return { kind: "end", rowsRead: 0 };
  const { row, rowsRead, isRequested } = await read();
  const raw = parsePage(row);
  if (raw.rows === 0) return { kind: "end", rowsRead };
  const { rows, last, broken } = raw;
  const { byteLength } = raw.bytes;
  const page = { kind: "page", raw, rows, byteLength, last, broken, rowsRead } as const;
  return { ...page, limit: 1, complete: true, isRequested };
}

/**
 * A table without a key has no position to resume from, so it is read in one turn or not at all.
 */
async function readWhole(
  reader: TableReader,
  table: Table,
  encoder: TableEncoder,
  brokenSql: RowExpression | undefined,
): Promise<PageRead> {
  const { rowGapHex } = encoder;
  const rowSql = encoder.rowSql(0);
  const request = { table, rowSql, rowGapHex, after: null, limit: KEYLESS_ROWS_MAX, brokenSql };
  try {
    const [result] = await reader.readRows(table, (select) => [buildPageQuery(request, select)]);
    const raw = parsePage(result?.rows[0] ?? []);
    const rowsRead = result?.rowsRead ?? 0;
    if (raw.rows === 0) return { kind: "end", rowsRead };
    const { rows, last, broken } = raw;
    const { byteLength } = raw.bytes;
    return {
      kind: "page",
      raw,
      rows,
      byteLength,
      last,
      broken,
      limit: 1,
      rowsRead,
      complete: true,
    };
  } catch (cause) {
    if (cause instanceof StatementTooLong) throw namesTooLong(table, cause);
    if (findQueryProblem(cause) !== "too-big") throw cause;
    throw new ExportError(
      "table-not-pageable",
      `table ${quoteIdentifier(table.name)} has columns named rowid, _rowid_ and oid, no other key, and ` +
        "is too large to be read at once",
      { cause },
    );
  }
}

async function readRow(
  reader: TableReader,
  table: Table,
  encoder: TableEncoder,
  place: Pick<PagePlace, "after" | "upTo"> & { brokenSql: RowExpression | undefined },
): Promise<PageRead> {
  const { after } = place;
  const request = { table, rowSql: () => "''", rowGapHex: "", ...place, limit: 1 };
  try {
    const [keyResult, ...cellResults] = await reader.readRows(table, (select) => [
      plainStatement(buildPageQuery(request, select)),
      ...buildCellQueries(
        request,
        { columns: encoder.cellColumns, realSql: encoder.realSql, source: encoder.cellSource },
        select,
      ),
    ]);
    const { last, rows, broken } = parsePage(keyResult?.rows[0] ?? []);
    // If rows are read as they are, the large row may have been deleted in the meantime.
    if (rows === 0) return { kind: "end", rowsRead: keyResult?.rowsRead ?? 0 };
    const cells = parseCells(cellResults.map((result) => result.rows[0] ?? []));
    const rowsRead = (keyResult?.rowsRead ?? 0) + addUp(cellResults.map((each) => each.rowsRead));
    const byteLength = PAGE_BYTES;
    const row = { cells, rows: 1, byteLength, last, broken };
    return { kind: "row", ...row, limit: 1, rowsRead, complete: false };
  } catch (cause) {
    if (cause instanceof StatementTooLong) throw namesTooLong(table, cause);
    if (findQueryProblem(cause) !== "too-big") throw cause;
    throw new ExportError(
      "value-not-exportable",
      `table ${quoteIdentifier(table.name)} has a row after key ${describeKey(after)} that is too large to be read`,
      { cause },
    );
  }
}

function namesTooLong(table: Table, cause: unknown): ExportError {
  const message =
    `table ${shortenName(table.name)}: its name and its key's columns are too long for a statement ` +
    `of ${STATEMENT_BYTES_MAX} bytes`;
  return new ExportError("name-too-long", message, { cause });
}

/**
 * Returns the statement without the count of columns: with the count a source transfers BLOBs
 * faster, but only shorter ones.
 */
function plainStatement({ sql, params }: Statement): Statement {
  return { sql, params };
}

function addUp(numbers: number[]): number {
  return numbers.reduce((sum, each) => sum + each, 0);
}
