import type { EncoderState } from "../../rpc/cursor.ts";
import { Buffer, isUtf8 } from "node:buffer";

import type { Cell } from "../../sqlite/cell.ts";
import type { Table } from "../../sqlite/catalog.ts";
import { listStoredColumns } from "../../sqlite/catalog.ts";
import { ExportError } from "../../api/errors.ts";
import { STATEMENT_BYTES_MAX } from "../../api/limits.ts";
import { encodeUtf8, toHex } from "../../lib/bytes.ts";
import type { RowExpression } from "../../sqlite/column-sql.ts";
import { quoteIdentifier } from "../../sqlite/identifier.ts";
import { insertRowSql } from "./insert-row.ts";
import { realLiteralSql } from "../../sqlite/literal.ts";
import { writeCellLiteral, isChangedByLoaders } from "./write-text-literal.ts";
import { parseCellLiterals, mendTexts } from "./literal-scanner.ts";
import { STAGE_TABLE } from "../../sqlite/own-objects.ts";
import { STAGED_VALUE_BYTES, stageRow } from "./stage-row.ts";
import { shortenName } from "../../sqlite/statement-length.ts";
import { type RawPage, ROW_SEPARATOR } from "../../sqlite/page-query.ts";
import { replaceSeparators } from "./row-gaps.ts";
import { chooseRowSql, type RowSql } from "../row-sql.ts";
import type { TableEncoder } from "../table-encoder.ts";

/** A statement takes no more rows after it reaches this length, in bytes. */
const STATEMENT_BYTES_TARGET = 32_000;

/** A row whose text is longer than this is staged, so that no statement exceeds the limit. */
const ROW_BYTES_MAX = 60_000;

/**
 * If a statement's start has longer names than this, in bytes, longer statements and shorter rows
 * are worthwhile.
 */
const LONG_HEAD_BYTES = 16_000;

/** A start that is longer than this, in bytes, omits the columns' names if possible. */
const NAMED_HEAD_BYTES_MAX = 60_000;

/** The length of a statement without its start and its rows, in bytes, with a margin. */
const STATEMENT_REST_BYTES = 100;

/** Between two rows of a page; the separator becomes a line feed. */
const ROW_GAP = new Uint8Array([0x29, 0x2c, ROW_SEPARATOR, 0x28]);
const BETWEEN_ROWS = encodeUtf8("),\n(");
const STATEMENT_END = encodeUtf8(");\n");

/**
 * Compound terms count as columns: a VALUES clause with several rows may have 100 values per row.
 */
const MULTI_ROW_VALUES_MAX = 100;

/**
 * Writes rows as INSERT statements of several rows each. A statement ends after the first row that
 * brings its length to `STATEMENT_BYTES_TARGET`; `state` is the length of the statement that is
 * still open.
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
  readonly #end: Uint8Array;
  readonly #statementTarget: number;
  readonly #rowBytesMax: number;
  readonly #stageName: string;

  /**
   * `stage` is the name of the table in which long rows are staged; the database does not use that
   * name.
   */
  constructor(table: Table, state: EncoderState, stage = STAGE_TABLE) {
    this.state = Number(state);
    this.#stageName = stage;
    const rowid = writtenRowid(table);
    const columns = listStoredColumns(table);
    this.cellColumns = [
      ...(rowid === undefined ? [] : [rowid]),
      ...columns.map((column) => column.name),
    ];
    this.#rowSql = insertRowSql(table, rowid, columns);
    this.#end = table.derived === undefined ? STATEMENT_END : encodeUtf8(table.derived.end);
    this.#headText =
      table.derived?.head ?? insertHead(table, this.cellColumns, { hasRowid: rowid !== undefined });
    this.#head = encodeUtf8(this.#headText);
    const { statementTarget, rowBytesMax } = statementLengths(this.#head.length, this.cellColumns);
    if (rowBytesMax === undefined) throw namesTooLong(table, this.cellColumns);
    this.#statementTarget = statementTarget;
    this.#rowBytesMax = rowBytesMax;
  }

  rowSql(rowBytes: number): RowExpression {
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
        this.#stage(out, parseCellLiterals(bytes.subarray(rowStart, rowEnd)));
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
    const literals = cells.map(writeCellLiteral);
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

  /** Length of the open statement after a run of `runBytes` and a row of `rowBytes` are added. */
  #lengthWith(rowBytes: number, runBytes: number): number {
    const lead = this.state === 0 ? this.#head.length : this.state + BETWEEN_ROWS.length;
    return lead + runBytes + rowBytes;
  }

  #write(out: Uint8Array[], run: Uint8Array): void {
    out.push(this.state === 0 ? this.#head : BETWEEN_ROWS, run);
    this.state = this.#lengthWith(run.length, 0);
  }

  #close(out: Uint8Array[]): void {
    if (this.state > 0) out.push(this.#end);
    this.state = 0;
  }

  #stage(out: Uint8Array[], cells: Cell[]): void {
    this.#close(out);
    out.push(
      ...stageRow({
        head: this.#headText,
        cells,
        rowBytesMax: this.#rowBytesMax,
        stage: this.#stageName,
      }),
    );
  }
}

/**
 * An INSERT up to its first row's opening parenthesis. To write the rowid, the INSERT must name it.
 */
function insertHead(
  table: Table,
  columns: readonly string[],
  { hasRowid }: { hasRowid: boolean },
): string {
  const into = `INSERT INTO ${quoteIdentifier(table.name)}`;
  const named = `${into}(${columns.map(quoteIdentifier).join(",")}) VALUES\n(`;
  return hasRowid || Buffer.byteLength(named) <= NAMED_HEAD_BYTES_MAX ? named : `${into} VALUES\n(`;
}

/**
 * Returns the length at which a statement takes no more rows, and the maximum length of an unstaged
 * row; together they stay within the limit. `rowBytesMax` is undefined if the names leave no space
 * even for a row whose values are all staged.
 */
function statementLengths(
  headBytes: number,
  columns: readonly string[],
): { statementTarget: number; rowBytesMax: number | undefined } {
  const space = STATEMENT_BYTES_MAX - STATEMENT_REST_BYTES - headBytes;
  const stagedBytes = columns.length * STAGED_VALUE_BYTES;
  const isLong = headBytes > LONG_HEAD_BYTES;
  const rowBytesMax = isLong ? Math.max(stagedBytes, space >> 1) : ROW_BYTES_MAX;
  const target = isLong
    ? STATEMENT_BYTES_MAX - STATEMENT_REST_BYTES - rowBytesMax
    : STATEMENT_BYTES_TARGET;
  return {
    statementTarget: columns.length > MULTI_ROW_VALUES_MAX ? 0 : target,
    rowBytesMax: rowBytesMax > space ? undefined : rowBytesMax,
  };
}

function namesTooLong(table: Table, columns: readonly string[]): ExportError {
  const longest = [...columns].sort((a, b) => b.length - a.length)[0] ?? "";
  const message =
    `table ${shortenName(table.name)}: an INSERT that names its columns, such as ${shortenName(longest)}, ` +
    `is longer than ${STATEMENT_BYTES_MAX} bytes`;
  return new ExportError("name-too-long", message);
}

/**
 * Finds the gaps between a page's rows and turns their separators into line feeds. If a text is not
 * valid UTF-8, or a loader would change it, the page is rewritten with another literal.
 */
function separateRows(page: RawPage): { bytes: Uint8Array; gaps: number[] } {
  const gaps = replaceSeparators(page.bytes, page.rows);
  const isPlain = isUtf8(page.bytes) && !isChangedByLoaders(page.bytes);
  if (gaps.length === page.rows - 1 && isPlain) return { bytes: page.bytes, gaps };
  for (const gap of gaps) page.bytes[gap] = ROW_SEPARATOR;
  const bytes = mendTexts(page.bytes, ROW_GAP);
  return { bytes, gaps: replaceSeparators(bytes, page.rows) };
}

/**
 * Returns the rowid's name if an INSERT must contain it: the rowid is not a column, but it is part
 * of the row.
 */
function writtenRowid(table: Table): string | undefined {
  if (table.rowidName === undefined || table.integerPrimaryKey !== undefined) return undefined;
  // An R-Tree's first column is its rowid.
  return table.module?.startsWith("rtree") === true ? undefined : table.rowidName;
}
