import type { Table } from "../sqlite/catalog.ts";
import type { Cell } from "../sqlite/cell.ts";
import type { Cursor } from "../rpc/cursor.ts";
import type { RowKey } from "../sqlite/row-key.ts";
import { ExportError } from "../api/errors.ts";
import { KIB, PAGE_BYTES, STATEMENT_BYTES_MAX } from "../api/limits.ts";
import { assert } from "../lib/assert.ts";
import { encodeUtf8 } from "../lib/bytes.ts";
import { pageQuery, parsePage, type RawPage, type Statement } from "../sqlite/page-query.ts";
import type { RowExpression } from "../sqlite/column-sql.ts";
import { cellQueries, parseCells } from "../sqlite/cell-query.ts";
import { quoteIdentifier } from "../sqlite/identifier.ts";
import type { DumpPlan, Segment } from "../formats/plan.ts";
import { shownName, StatementTooLong } from "../sqlite/statement-length.ts";
import type { TableEncoder, TableEncoderOf } from "../formats/table-encoder.ts";
import { CheckFinder } from "./check-finder.ts";
import type { TableReader } from "./table-reader.ts";

/** Rows of a table's first page, before anything is known about their length. */
const FIRST_PAGE_ROWS = 200;
/** A page may have so many times the rows of the one before. */
const PAGE_GROWTH = 8;
const PAGE_ROWS_MAX = 50_000;
/** Rows from this length on are long: a page takes a third of the time a byte (November 2026). */
const LONG_ROW_BYTES = KIB;
/** More rows than a value of 2 MB can hold. */
const KEYLESS_ROWS_MAX = 10_000_000;

/** Bytes of an artifact that were read in one go, and where to go on behind them. */
export interface DumpPiece {
  artifact: number;
  /** The table whose rows these are; undefined for other text and derived rows. */
  table?: string;
  bytes: Uint8Array[];
  rows: number;
  /** How many U+FFFD stand for bytes that are no UTF-8, in formats that must be. */
  replacements: number;
  /** What was found of these rows that the reader of the dump has to know; the same sentence may come again. */
  warnings: string[];
  rowsRead: number;
  /** Where the next piece starts. */
  cursor: Cursor;
  /** True for the last piece of its artifact. */
  ends: boolean;
  /**
   * Gives the memory of `bytes` back, which are empty then: for who has copied them, and need not wait
   * for the garbage collector, which comes late and takes 3 % of a job's time for it (November 2026).
   */
  release: () => void;
}

/**
 * Reads a plan's artifacts from `cursor` to the end, a page at a time: the next page is asked for
 * while the caller deals with the last one, and no more than that is ever held. What comes out is
 * the same bytes wherever it was begun.
 *
 * Errors: those of the reader, and `value-not-exportable` where a row is too large even to be read
 * alone.
 */
export async function* readDump(input: {
  reader: TableReader;
  plan: DumpPlan;
  encoderOf: TableEncoderOf;
  cursor: Cursor;
  /** Rows of a table's first page, if more is known than here. */
  firstPageRows?: (table: Table) => number;
}): AsyncGenerator<DumpPiece, void, undefined> {
  const { firstPageRows = () => FIRST_PAGE_ROWS } = input;
  const tables = new Map(input.plan.tables.map((table) => [table.name, table]));
  let { artifact, segment, after, encoderState } = input.cursor;
  for (; artifact < input.plan.artifacts.length; artifact += 1) {
    const segments = input.plan.artifacts[artifact]?.segments ?? [];
    for (; segment < segments.length; segment += 1) {
      const current = segments[segment] as Segment;
      const last = segment === segments.length - 1;
      const next: Cursor = last
        ? { artifact: artifact + 1, segment: 0, after: null, encoderState: 0 }
        : { artifact, segment: segment + 1, after: null, encoderState: 0 };
      if (current.kind === "rows") {
        const table = tables.get(current.table);
        assert(table !== undefined, "a plan lists the tables of its segments");
        const encoder = input.encoderOf(table, encoderState);
        const pieces = readTable(input.reader, table, encoder, {
          after,
          rows: firstPageRows(table),
          checks: new CheckFinder(table, input.plan),
        });
        for await (const piece of pieces) {
          const cursor = piece.after === null ? next : { artifact, segment, ...piece.state };
          const { bytes, rows, replacements, warnings, rowsRead, release } = piece;
          const read = { bytes, rows, replacements, warnings, rowsRead, release };
          const ends = last && piece.after === null;
          const name = table.derived === undefined ? { table: table.name } : {};
          yield { artifact, ...name, ...read, cursor, ends };
        }
      } else {
        const { text, rowsRead } = await readText(input.reader, current);
        const bytes = text === "" ? [] : [encodeUtf8(text)];
        const none = { rows: 0, replacements: 0, warnings: [], release: nothingToRelease };
        yield { artifact, ...none, bytes, rowsRead, cursor: next, ends: last };
      }
      after = null;
      encoderState = 0;
    }
    segment = 0;
  }
}

async function readText(
  reader: TableReader,
  segment: Exclude<Segment, { kind: "rows" }>,
): Promise<{ text: string; rowsRead: number }> {
  if (segment.kind === "text") return { text: segment.text, rowsRead: 0 };
  const result = await reader.readOther({ sql: segment.sql, params: [] });
  return { text: String(result.rows[0]?.[0] ?? ""), rowsRead: result.rowsRead };
}

interface TablePiece {
  bytes: Uint8Array[];
  rows: number;
  replacements: number;
  warnings: string[];
  rowsRead: number;
  release: () => void;
  /** Null with the table's last piece. */
  after: RowKey;
  state: { after: RowKey; encoderState: number };
}

async function* readTable(
  reader: TableReader,
  table: Table,
  encoder: TableEncoder,
  start: { after: RowKey; rows: number; checks: CheckFinder },
): AsyncGenerator<TablePiece, void, undefined> {
  const { checks } = start;
  let limit = start.rows;
  const read = (place: { after: RowKey; limit: number; rowBytes: number }): Promise<PageRead> =>
    checks.read((brokenSql) => readPage(reader, table, encoder, { ...place, brokenSql }));
  let pending = read({ after: start.after, limit, rowBytes: 0 });
  for (;;) {
    const page = await pending;
    const replacementsBefore = encoder.replacements;
    if (page.kind === "end") {
      yield {
        bytes: encoder.end(),
        rows: 0,
        replacements: 0,
        warnings: checks.takeWarnings([]),
        rowsRead: page.rowsRead,
        release: nothingToRelease,
        after: null,
        state: { after: null, encoderState: 0 },
      };
      return;
    }
    const rowBytes = page.byteLength / page.rows;
    limit = nextLimit(page.limit, rowBytes, reader.longRowsPageBytes);
    pending = page.complete
      ? Promise.resolve({ kind: "end", rowsRead: 0 })
      : read({ after: page.last, limit, rowBytes });
    // The caller may stop before this page is wanted; its error is then nobody's.
    pending.catch(() => {});
    const bytes = page.kind === "page" ? encoder.page(page.raw) : encoder.row(page.cells);
    yield {
      bytes,
      rows: page.rows,
      replacements: encoder.replacements - replacementsBefore,
      warnings: checks.takeWarnings(page.broken),
      rowsRead: page.rowsRead,
      release: page.kind === "page" ? releaseOf(page.raw) : nothingToRelease,
      after: page.last,
      state: { after: page.last, encoderState: encoder.state },
    };
  }
}

function nothingToRelease(): void {}

/** Detaches the page's own buffer, in which the pieces of its text stand. */
function releaseOf({ bytes }: RawPage): () => void {
  return () => void (bytes.buffer as ArrayBuffer).transfer(0);
}

type PageRead =
  | { kind: "end"; rowsRead: number }
  | ({
      rows: number;
      byteLength: number;
      last: RowKey;
      broken: number[];
      limit: number;
      rowsRead: number;
      complete: boolean;
    } & ({ kind: "page"; raw: RawPage } | { kind: "row"; cells: Cell[] }));

/**
 * Reads at most `limit` rows of about `rowBytes` of text each; fewer where their text is longer than a value
 * may be, and one row cell by cell where even its text alone is, or the query of the text is too long.
 */
async function readPage(
  reader: TableReader,
  table: Table,
  encoder: TableEncoder,
  place: { after: RowKey; limit: number; rowBytes: number; brokenSql: RowExpression | undefined },
): Promise<PageRead> {
  const { after, limit, rowBytes, brokenSql } = place;
  const { rowGapHex } = encoder;
  const rowSql = encoder.rowSql(rowBytes);
  if (table.key.length === 0) {
    // Its one page leaves an empty key behind, from which nothing is left to read.
    return after === null
      ? readWhole(reader, table, encoder, brokenSql)
      : { kind: "end", rowsRead: 0 };
  }
  for (let rows = limit; rows >= 1; rows = Math.floor(rows / 4)) {
    try {
      const [result] = await reader.readRows(table, (select) => [
        pageQuery({ table, rowSql, rowGapHex, after, limit: rows, brokenSql }, select),
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
      if (!isTooBig(error)) throw error;
    }
  }
  return readRow(reader, table, encoder, { after, brokenSql });
}

/** A table without a key has no place to go on from, so it is read in one turn or not at all. */
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
    const [result] = await reader.readRows(table, (select) => [pageQuery(request, select)]);
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
    if (!isTooBig(cause)) throw cause;
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
  { after, brokenSql }: { after: RowKey; brokenSql: RowExpression | undefined },
): Promise<PageRead> {
  const request = { table, rowSql: () => "''", rowGapHex: "", after, limit: 1, brokenSql };
  try {
    const [keyResult, ...cellResults] = await reader.readRows(table, (select) => [
      plainStatement(pageQuery(request, select)),
      ...cellQueries(request, { columns: encoder.cellColumns, realSql: encoder.realSql }, select),
    ]);
    const { last, rows, broken } = parsePage(keyResult?.rows[0] ?? []);
    // The large row may be gone since it was met, where rows are read as they are.
    if (rows === 0) return { kind: "end", rowsRead: keyResult?.rowsRead ?? 0 };
    const cells = parseCells(cellResults.map((result) => result.rows[0] ?? []));
    const rowsRead = (keyResult?.rowsRead ?? 0) + sumOf(cellResults.map((each) => each.rowsRead));
    const byteLength = PAGE_BYTES;
    const row = { cells, rows: 1, byteLength, last, broken };
    return { kind: "row", ...row, limit: 1, rowsRead, complete: false };
  } catch (cause) {
    if (cause instanceof StatementTooLong) throw namesTooLong(table, cause);
    if (!isTooBig(cause)) throw cause;
    throw new ExportError(
      "value-not-exportable",
      `table ${quoteIdentifier(table.name)} has a row after key ${describeKey(after)} that is too large to be read`,
      { cause },
    );
  }
}

function namesTooLong(table: Table, cause: unknown): ExportError {
  const message =
    `table ${shownName(table.name)}: its name and its key's columns are too long for a statement ` +
    `of ${STATEMENT_BYTES_MAX} bytes`;
  return new ExportError("name-too-long", message, { cause });
}

/** Without the count of columns, by which a source carries BLOBs faster, and only shorter ones. */
function plainStatement({ sql, params }: Statement): Statement {
  return { sql, params };
}

/** So many rows that their text comes to what a page aims at, if they are like the last ones. */
function nextLimit(limit: number, rowBytes: number, longRowsPageBytes: number): number {
  const pageBytes = rowBytes >= LONG_ROW_BYTES ? longRowsPageBytes : PAGE_BYTES;
  const fitting = Math.floor(pageBytes / Math.max(rowBytes, 1));
  return Math.max(1, Math.min(fitting, limit * PAGE_GROWTH, PAGE_ROWS_MAX));
}

function isTooBig(error: unknown): boolean {
  return (
    error instanceof ExportError &&
    error.code === "source-query-failed" &&
    /too big|SQLITE_TOOBIG/i.test(error.message)
  );
}

function describeKey(key: RowKey): string {
  if (key === null) return "(none: it is the first)";
  return key.map((value) => ("literal" in value ? value.literal : "(long value)")).join(", ");
}

function sumOf(numbers: number[]): number {
  return numbers.reduce((sum, each) => sum + each, 0);
}
