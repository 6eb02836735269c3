import { isUtf8 } from "node:buffer";

import type { Cell } from "../model/cell.ts";
import type { Table } from "../model/catalog.ts";
import { storedColumns } from "../model/catalog.ts";
import { STATEMENT_BYTES_MAX } from "../model/limits.ts";
import { encodeUtf8, toHex } from "../lib/bytes.ts";
import { quoteIdentifier } from "./identifier.ts";
import { insertRowSql } from "./insert-row.ts";
import { cellLiteral, isChangedByLoaders, realLiteralSql } from "./literal.ts";
import { cellsOf, mendTexts } from "./literal-scanner.ts";
import { stagedRow } from "./staged-row.ts";
import { type RawPage, ROW_SEPARATOR } from "./page-query.ts";
import { replaceSeparators } from "./row-gaps.ts";
import { chooseRowSql, type RowSql } from "./row-sql.ts";
import type { TableEncoder } from "./table-encoder.ts";

/** A statement takes no more rows once it is this long, in bytes. */
const STATEMENT_BYTES_TARGET = 32_000;

/** A row whose text is longer than this is staged, so that no statement passes the limit. */
const ROW_BYTES_MAX = 60_000;

/** Between two rows of a page; the separator becomes a line feed. */
const ROW_GAP = new Uint8Array([0x29, 0x2c, ROW_SEPARATOR, 0x28]);
const BETWEEN_ROWS = encodeUtf8("),\n(");
const STATEMENT_END = encodeUtf8(");\n");

/** Compound terms are counted as columns: a VALUES of several rows may have 100 values a row. */
const MULTI_ROW_VALUES_MAX = 100;

/**
 * Writes rows as INSERT statements of several rows each. A statement ends behind the first row
 * that brings it to `STATEMENT_BYTES_TARGET`, counted from its own start; `state` is the length of
 * the statement that is still open.
 */
export class SqlEncoder implements TableEncoder {
  readonly rowGapHex = toHex(ROW_GAP).toUpperCase();
  readonly cellColumns: readonly string[];
  readonly realSql = realLiteralSql;
  readonly replacements = 0;
  state: number;
  readonly #rowSql: RowSql;
  readonly #head: Uint8Array;
  readonly #headText: string;
  readonly #statementTarget: number;
  readonly #rowBytesMax: number;

  constructor(table: Table, state: number) {
    this.state = state;
    const rowid = writtenRowid(table);
    const columns = storedColumns(table);
    this.cellColumns = [
      ...(rowid === undefined ? [] : [rowid]),
      ...columns.map((column) => column.name),
    ];
    this.#rowSql = insertRowSql(table, rowid, columns);
    this.#headText =
      `INSERT INTO ${quoteIdentifier(table.name)}` +
      `(${this.cellColumns.map(quoteIdentifier).join(",")}) VALUES\n(`;
    this.#head = encodeUtf8(this.#headText);
    this.#statementTarget =
      this.cellColumns.length > MULTI_ROW_VALUES_MAX ? 0 : STATEMENT_BYTES_TARGET;
    this.#rowBytesMax = Math.min(ROW_BYTES_MAX, STATEMENT_BYTES_MAX - this.#head.length - 100);
  }

  rowSql(rowBytes: number): string {
    return chooseRowSql(this.#rowSql, { columns: this.cellColumns.length, rowBytes });
  }

  page(page: RawPage): Uint8Array[] {
    const out: Uint8Array[] = [];
    if (page.rows === 0) return out;
    const { bytes, gaps } = separateRows(page);
    let runStart = 0;
    let rowStart = 0;
    for (let row = 0; row < page.rows; row += 1) {
      const gap = row < gaps.length ? (gaps[row] as number) : bytes.length + 2;
      const rowEnd = gap - 2;
      const length = rowEnd - rowStart;
      if (length > this.#rowBytesMax) {
        const before = rowStart - ROW_GAP.length;
        if (before > runStart) this.#write(out, bytes.subarray(runStart, before));
        this.#stage(out, cellsOf(bytes.subarray(rowStart, rowEnd)));
        runStart = gap + 2;
      } else if (this.#lengthWith(length, rowStart - runStart) >= this.#statementTarget) {
        this.#write(out, bytes.subarray(runStart, rowEnd));
        this.#close(out);
        runStart = gap + 2;
      }
      rowStart = gap + 2;
    }
    if (runStart < bytes.length) this.#write(out, bytes.subarray(runStart));
    return out;
  }

  row(cells: Cell[]): Uint8Array[] {
    const out: Uint8Array[] = [];
    const literals = cells.map(cellLiteral);
    const text = encodeUtf8(literals.join(","));
    if (text.length > this.#rowBytesMax) {
      this.#stage(out, cells);
      return out;
    }
    const full = this.#lengthWith(text.length, 0) >= this.#statementTarget;
    this.#write(out, text);
    if (full) this.#close(out);
    return out;
  }

  end(): Uint8Array[] {
    const out: Uint8Array[] = [];
    this.#close(out);
    return out;
  }

  /** Length of the open statement once a run of `runBytes` and a row of `rowBytes` are in it. */
  #lengthWith(rowBytes: number, runBytes: number): number {
    const lead = this.state === 0 ? this.#head.length : this.state + BETWEEN_ROWS.length;
    return lead + runBytes + rowBytes;
  }

  #write(out: Uint8Array[], run: Uint8Array): void {
    out.push(this.state === 0 ? this.#head : BETWEEN_ROWS, run);
    this.state = this.#lengthWith(run.length, 0);
  }

  #close(out: Uint8Array[]): void {
    if (this.state > 0) out.push(STATEMENT_END);
    this.state = 0;
  }

  #stage(out: Uint8Array[], cells: Cell[]): void {
    this.#close(out);
    out.push(...stagedRow({ head: this.#headText, cells, rowBytesMax: this.#rowBytesMax }));
  }
}

/**
 * Finds the gaps between a page's rows and turns their separators into line feeds. Where a text
 * is not valid UTF-8, or is what a loader changes, the page is written anew with that text otherwise.
 */
function separateRows(page: RawPage): { bytes: Uint8Array; gaps: number[] } {
  const gaps = replaceSeparators(page.bytes, page.rows);
  const isPlain = isUtf8(page.bytes) && !isChangedByLoaders(page.bytes);
  if (gaps.length === page.rows - 1 && isPlain) return { bytes: page.bytes, gaps };
  for (const gap of gaps) page.bytes[gap] = ROW_SEPARATOR;
  const bytes = mendTexts(page.bytes, ROW_GAP);
  return { bytes, gaps: replaceSeparators(bytes, page.rows) };
}

/** The rowid's name where an INSERT must give it: it is no column of its own, yet part of the row. */
function writtenRowid(table: Table): string | undefined {
  if (table.rowidName === undefined || table.integerPrimaryKey !== undefined) return undefined;
  // An R-Tree's first column is its rowid.
  return table.module?.startsWith("rtree") === true ? undefined : table.rowidName;
}
