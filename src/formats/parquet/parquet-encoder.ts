import type { Compression } from "../../api/export-request.ts";
import { PARQUET_GROUP_BYTES } from "../../api/limits.ts";
import type { EncoderState } from "../../rpc/cursor.ts";
import { type Column, listStoredColumns, type Table } from "../../sqlite/catalog.ts";
import type { Cell } from "../../sqlite/cell.ts";
import type { RowExpression } from "../../sqlite/column-sql.ts";
import { findUnusedName, quoteIdentifier } from "../../sqlite/identifier.ts";
import { shortestRealSql } from "../../sqlite/literal.ts";
import type { RawPage } from "../../sqlite/page-query.ts";
import type { TableEncoder } from "../table-encoder.ts";
import { writeColumnChunk } from "./column-chunk.ts";
import {
  type ColumnType,
  formatTypes,
  parseTypes,
  TYPE_BY_AFFINITY,
  TYPE_NAMES,
} from "./column-type.ts";
import { ColumnValues, type TypedValues } from "./column-values.ts";
import { type FileColumn, writeFooter } from "./footer.ts";
import { formatNote, type GroupNote } from "./group-note.ts";
import { writeOtherValues } from "./other-values.ts";
import { buildRowSql, parseRows, ROW_GAP_HEX } from "./row-text.ts";

/** Without a version: the same rows have the same bytes. */
const CREATED_BY = "durable-export";

/** The column of values that no other column holds; lengthened if the table has one of this name. */
const OTHER_VALUES = "other_values";

/**
 * Writes rows as groups of Parquet. A group ends with the page that fills it, so its rows depend on where pages end;
 * the rows of all groups together never do.
 *
 * A column's type is decided by the first group in which it has values: the type that holds most of them. Until then
 * its chunks contain only NULLs, which are the same bytes in every type. Values of other types, and text that is not
 * UTF-8, are NULL there; the column `other_values` contains them. Each group has a chunk for it. The end of the file
 * mentions it only if it contains values.
 */
export class ParquetEncoder implements TableEncoder {
  readonly rowGapHex = ROW_GAP_HEX;
  readonly cellColumns: readonly string[];
  readonly realSql = shortestRealSql;
  /** Nothing is replaced: `other_values` contains the bytes. */
  readonly replacements = 0;
  readonly #table: string;
  readonly #rowSql: RowExpression;
  readonly #columns: readonly Column[];
  readonly #values: readonly ColumnValues[];
  readonly #otherName: string;
  readonly #compression: Compression;
  readonly #groupBytes: number;
  #types: (ColumnType | undefined)[];
  #hasOthers: boolean;
  #rows = 0;
  #notes: string[] = [];
  #warnings: string[] = [];

  constructor(
    table: Table,
    state: EncoderState,
    {
      compression = "none",
      groupBytes = PARQUET_GROUP_BYTES,
    }: { compression?: Compression; groupBytes?: number } = {},
  ) {
    this.#table = table.name;
    this.#rowSql = buildRowSql(table);
    this.#columns = listStoredColumns(table);
    this.cellColumns = this.#columns.map(({ name }) => name);
    this.#values = this.#columns.map(() => new ColumnValues());
    const types = typeof state === "string" ? parseTypes(state) : [];
    this.#types = this.#columns.map((_, at) => types[at]);
    this.#hasOthers = types[this.#columns.length] !== undefined;
    this.#otherName = findUnusedName(OTHER_VALUES, this.cellColumns.join("\n"));
    this.#compression = compression;
    this.#groupBytes = groupBytes;
  }

  /** The columns' types, and that of the other values if there are any. */
  get state(): string {
    return formatTypes([...this.#types, this.#hasOthers ? "text" : undefined]);
  }

  get holdsRows(): boolean {
    return this.#rows > 0;
  }

  rowSql(): RowExpression {
    return this.#rowSql;
  }

  async page(page: RawPage): Promise<Uint8Array[]> {
    parseRows(page, this.#values);
    return this.#add(page.rows);
  }

  async row(cells: Cell[]): Promise<Uint8Array[]> {
    for (const [at, cell] of cells.entries()) addCell(this.#values[at] as ColumnValues, cell);
    return this.#add(1);
  }

  async end(earlier: readonly string[] = []): Promise<Uint8Array[]> {
    const group = this.#rows === 0 ? [] : await this.#writeGroup();
    const columns: FileColumn[] = this.#columns.map(({ name, affinity }, at) => ({
      name,
      type: this.#types[at] ?? TYPE_BY_AFFINITY[affinity],
    }));
    if (this.#hasOthers) columns.push({ name: this.#otherName, type: "text" });
    const notes = [...earlier, ...this.#notes];
    return [
      ...group,
      ...writeFooter(columns, { notes, compression: this.#compression, createdBy: CREATED_BY }),
    ];
  }

  takeNotes(): string[] {
    return this.#notes.splice(0);
  }

  takeWarnings(): string[] {
    return this.#warnings.splice(0);
  }

  async #add(rows: number): Promise<Uint8Array[]> {
    this.#rows += rows;
    const bytes = this.#values.reduce((sum, { byteLength }) => sum + byteLength, 0);
    return bytes < this.#groupBytes ? [] : this.#writeGroup();
  }

  async #writeGroup(): Promise<Uint8Array[]> {
    const typed = this.#columns.map((column, at): TypedValues & { name: string } => {
      const values = this.#values[at] as ColumnValues;
      this.#types[at] ??= values.chooseType();
      return { name: column.name, ...values.toTyped(this.#types[at]) };
    });
    this.#noteOthers(typed);
    const bytes: Uint8Array[] = [];
    const chunks: GroupNote["chunks"] = [];
    for (const values of [...typed, writeOtherValues(typed, this.#rows)]) {
      const chunk = await writeColumnChunk(values, this.#compression);
      bytes.push(...chunk.bytes);
      chunks.push(chunk);
    }
    this.#notes.push(formatNote({ rows: this.#rows, chunks }));
    for (const values of this.#values) values.clear();
    this.#rows = 0;
    return bytes;
  }

  #noteOthers(typed: readonly (TypedValues & { name: string })[]): void {
    for (const [at, { name, others }] of typed.entries()) {
      if (others.length === 0) continue;
      this.#hasOthers = true;
      const type = TYPE_NAMES[this.#types[at] ?? "text"];
      this.#warnings.push(
        `column ${quoteIdentifier(name)} of table ${quoteIdentifier(this.#table)} is ${type}: its other values ` +
          `are NULL, and column ${quoteIdentifier(this.#otherName)} contains them`,
      );
    }
  }
}

function addCell(values: ColumnValues, cell: Cell): void {
  if (cell.type === "plain") {
    const { literal } = cell;
    if (literal === "NULL") values.addNull();
    else if (/[.e]/.test(literal)) values.addReal(Number(literal));
    else values.addBigInt(BigInt(literal));
    return;
  }
  const { bytes } = cell;
  if (cell.type === "text") values.addText(bytes, 0, bytes.byteLength, false);
  else values.addBlob(bytes, 0, bytes.byteLength);
}
