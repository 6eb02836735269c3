import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { DuckDBBlobValue, type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";

import { listStoredColumns, type Table } from "../../src/sqlite/catalog.ts";

/** A value in a form in which those of SQLite and those of a Parquet file can be compared. */
type ComparedValue = string;

/** The rows of a Parquet file, as DuckDB reads them. */
export interface ParquetRows {
  names: string[];
  types: string[];
  rows: ComparedValue[][];
}

/** Reads Parquet files with DuckDB. */
export class ParquetReader {
  readonly #folder = mkdtempSync(join(tmpdir(), "parquet-"));
  #files = 0;
  readonly #connection: DuckDBConnection;

  static async open(): Promise<ParquetReader> {
    return new ParquetReader(await (await DuckDBInstance.create(":memory:")).connect());
  }

  private constructor(connection: DuckDBConnection) {
    this.#connection = connection;
  }

  close(): void {
    this.#connection.closeSync();
    rmSync(this.#folder, { recursive: true });
  }

  /** Runs a query in which `FILE` stands for a file with these bytes. */
  async query(bytes: Uint8Array, sql: string): Promise<unknown[][]> {
    const path = this.#write(bytes);
    const result = await this.#connection.runAndReadAll(sql.replace("FILE", `'${path}'`));
    return result.getRows();
  }

  /**
   * Reads the rows of a file of a table with `columns`, in the file's order. The column `other_values` is read back into
   * the others.
   */
  async read(bytes: Uint8Array, columns: readonly string[]): Promise<ParquetRows> {
    const path = this.#write(bytes);
    const from = `FROM '${path}'`;
    const described = await this.#connection.runAndReadAll(`SELECT * ${from} LIMIT 0`);
    const names = described.columnNames();
    const types = described.columnTypes().map(String);
    // As bytes: the library drops a byte order mark at the start of a text.
    const cells = types.map((type, at) =>
      type === "VARCHAR" ? `encode(#${at + 1})` : `#${at + 1}`,
    );
    const result = await this.#connection.runAndReadAll(`SELECT ${cells.join(", ")} ${from}`);
    const rows = result.getRows().map((row) => {
      const other = row[columns.length];
      const others = other instanceof DuckDBBlobValue ? parseOthers(textOf(other.bytes)) : {};
      return row.slice(0, columns.length).map((value, at) => {
        const name = columns[at] ?? "";
        if (Object.hasOwn(others, name)) return others[name] ?? "";
        const isText = types[at] === "VARCHAR" && value instanceof DuckDBBlobValue;
        return isText ? textValue(value.bytes) : compareValue(value);
      });
    });
    rmSync(path);
    return { names, types, rows };
  }

  /** Each file has its own name, because DuckDB remembers a file's end by its name and second. */
  #write(bytes: Uint8Array): string {
    this.#files += 1;
    const path = join(this.#folder, `${this.#files}.parquet`);
    writeFileSync(path, bytes);
    return path;
  }
}

/** Returns a table's rows as the database contains them, in the order of its key. */
export function sqliteRows(db: DatabaseSync, table: Table): ComparedValue[][] {
  const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`;
  const rows: ComparedValue[][] = [];
  // Without an order, an index that covers a column would have its own.
  const order = table.key.map(
    ({ name, collation, descending, integer }) =>
      `${quote(name)}${integer ? "" : ` COLLATE ${collation}`}${descending ? " DESC" : ""}`,
  );
  const from = `${quote(table.name)} NOT INDEXED${order.length === 0 ? "" : ` ORDER BY ${order.join(", ")}`}`;
  for (const { name } of listStoredColumns(table)) {
    const statement =
      db.prepare(`SELECT typeof(c) AS type, CASE WHEN typeof(c) = 'text' THEN CAST(c AS BLOB)
      ELSE c END AS value FROM (SELECT ${quote(name)} AS c FROM ${from})`);
    statement.setReadBigInts(true);
    for (const [at, { type, value }] of statement.all().entries()) {
      const row = (rows[at] ??= []);
      row.push(type === "text" ? textValue(value as Uint8Array) : compareValue(value));
    }
  }
  return rows;
}

function compareValue(value: unknown): ComparedValue {
  if (value === null) return "NULL";
  if (typeof value === "bigint") return `number ${value}`;
  if (typeof value === "number") {
    const isExact = Number.isInteger(value) && Math.abs(value) <= 2 ** 53;
    const isShown = isExact && !Object.is(value, -0);
    return isShown ? `number ${value}` : `real ${Object.is(value, -0) ? "-0" : value}`;
  }
  if (value instanceof DuckDBBlobValue) return blobValue(value.bytes);
  if (value instanceof Uint8Array) return blobValue(value);
  throw new Error(`a value of another kind: ${String(value)}`);
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
}

function textValue(bytes: Uint8Array): ComparedValue {
  return `text ${Buffer.from(bytes).toString("hex")}`;
}

function blobValue(bytes: Uint8Array): ComparedValue {
  return `blob ${Buffer.from(bytes).toString("hex")}`;
}

function parseOthers(json: string): Record<string, ComparedValue> {
  const values = JSON.parse(json, (_key, value: unknown, context?: { source: string }) =>
    typeof value === "number" ? { number: context?.source ?? "" } : value,
  ) as Record<string, string | { number: string } | { text: string } | { blob: string }>;
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => {
      if (typeof value === "string") return [name, textValue(Buffer.from(value))];
      if ("text" in value) return [name, `text ${value.text.toLowerCase()}`];
      if ("blob" in value) return [name, `blob ${value.blob.toLowerCase()}`];
      const isInteger = /^-?\d+$/.test(value.number);
      return [name, compareValue(isInteger ? BigInt(value.number) : Number(value.number))];
    }),
  );
}
