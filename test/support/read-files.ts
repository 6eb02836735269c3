import type { DatabaseSync } from "node:sqlite";
import { parse } from "csv-parse/sync";

import type { Catalog } from "../../src/sqlite/catalog.ts";
import { listStoredColumns } from "../../src/sqlite/catalog.ts";

/**
 * A value in the form that every format can express: its kind, and its digits or text. Text that is
 * not UTF-8 is decoded according to the Encoding Standard; CSV and JSON write a BLOB as text of hex
 * digits.
 */
export type FileValue = string;

export const NULL = "null";
export const textValue = (text: string): FileValue => `text ${text}`;
const numberValue = (digits: string): FileValue =>
  /^-?\d+$/.test(digits)
    ? `integer ${digits}`
    : `real ${Object.is(Number(digits), -0) ? "-0" : Number(digits)}`;

/** A result has at most 100 columns, and a cell takes two. Names may be long, and its query repeats them. */
const CELLS_PER_QUERY = 20;

/** A table's rows as the database returns them, in no order. */
export function tableRows(
  db: DatabaseSync,
  table: Catalog["tables"][number],
): Record<string, FileValue>[] {
  const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`;
  const columns = listStoredColumns(table).map(({ name }) => name);
  const rows: Record<string, FileValue>[] = [];
  for (let from = 0; from < columns.length; from += CELLS_PER_QUERY) {
    const group = columns.slice(from, from + CELLS_PER_QUERY);
    const cells = group.map(
      (name, at) => `typeof(${quote(name)}) AS t${at}, CASE typeof(${quote(name)})
         WHEN 'text' THEN CAST(${quote(name)} AS BLOB)
         WHEN 'integer' THEN quote(${quote(name)}) ELSE ${quote(name)} END AS v${at}`,
    );
    const results = db.prepare(`SELECT ${cells.join(", ")} FROM ${quote(table.name)}`).all();
    for (const [at, result] of results.entries()) {
      const row = (rows[at] ??= {});
      for (const [of, name] of group.entries()) {
        row[name] = valueOf(String(result[`t${of}`]), result[`v${of}`]);
      }
    }
  }
  return rows;
}

function valueOf(type: string, value: unknown): FileValue {
  if (type === "null") return NULL;
  if (type === "integer") return numberValue(String(value));
  if (type === "real") return `real ${Object.is(value, -0) ? "-0" : String(value)}`;
  const bytes = Buffer.from(value);
  if (type === "blob") return textValue(bytes.toString("hex").toUpperCase());
  return textValue(new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes));
}

/** The rows of a CSV file, read by a CSV library. */
export function csvRows(bytes: Uint8Array): Record<string, FileValue>[] {
  const records: FileValue[][] = parse(Buffer.from(bytes), {
    bom: false,
    skip_empty_lines: false,
    relax_column_count: false,
    cast: (value, { quoting }) =>
      quoting ? textValue(value) : value === "" ? NULL : numberValue(value),
  });
  const [header, ...rows] = records;
  const names = (header ?? []).map((name) => name.slice("text ".length));
  return rows.map((row) => Object.fromEntries(row.map((value, at) => [names[at] ?? "", value])));
}

/** The rows of a JSON file, with the digits in which numbers are written. */
export function jsonRows(text: string): Record<string, FileValue>[] {
  const rows = JSON.parse(text, numbersAsWritten) as Record<string, unknown>[];
  return rows.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => [
        name,
        value === null
          ? NULL
          : value instanceof Digits
            ? numberValue(value.text)
            : textValue(String(value)),
      ]),
    ),
  );
}

class Digits {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

function numbersAsWritten(_key: string, value: unknown, context?: { source: string }): unknown {
  return typeof value === "number" ? new Digits(context?.source ?? "") : value;
}
