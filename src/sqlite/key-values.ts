import type { Column, Table } from "./catalog.ts";
import { quoteText } from "./identifier.ts";

/**
 * The commands of this package to a class of `withExport` about its objects' key-value storage,
 * which SQL cannot reach. Each is a SELECT without rows, so that it does nothing in any other class
 * or loader.
 */
export const CAN_EXPORT_KEY_VALUES =
  "SELECT 1 FROM (SELECT 'durable-export: can export key-values') WHERE 0";

/** Returns 1 if there is an entry, else 0; no row if the class does not know the command. */
export const HAS_KEY_VALUES = "SELECT 1 FROM (SELECT 'durable-export: has key-values') WHERE 0";

/** Deletes all entries, in the turn in which it runs. */
export const DELETE_KEY_VALUES =
  "SELECT 1 FROM (SELECT 'durable-export: delete key-values') WHERE 0";

/** Copies all entries into a new table, in the turn in which it runs. */
export function copyKeyValuesSql(table: string): string {
  return `SELECT 1 FROM (SELECT ${COPY}, ${quoteText(table)}) WHERE 0`;
}

/** The table that a copy command names; undefined for other statements. */
export function findCopyTarget(sql: string): string | undefined {
  return COPY_COMMAND.exec(sql)?.[1];
}

/** The result of copying the key-value storage. The copy command returns it as JSON. */
export interface CopiedKeyValues {
  /** Null if the entries are larger than `KEY_VALUES_BYTES_MAX`, so that none was copied. */
  entries: number | null;
  /** The number of entries that cannot be exported, and the first of their keys. */
  skipped: number;
  skippedKeys: string[];
}

/** Reads the answer to a copy command; undefined if its class does not know the command. */
export function parseCopiedKeyValues(answer: unknown): CopiedKeyValues | undefined {
  return typeof answer === "string" ? (JSON.parse(answer) as CopiedKeyValues) : undefined;
}

/** What every warning says that reports entries which a dump lacks. */
export const KEY_VALUE_STORAGE = "key-value storage";

const COPY = "'durable-export: copy key-values'";
const COPY_COMMAND = new RegExp(`^SELECT 1 FROM \\(SELECT ${COPY}, '(\\w+)'\\) WHERE 0$`);

/** The table in which the runtime keeps the storage. No SQL can read it. */
export const KEY_VALUES_TABLE = "_cf_KV";

/** Bytes of a value in one row: with a key of 2,048 bytes, its statement stays below the limit. */
export const KEY_VALUE_PIECE_BYTES = 24_000;

const HEAD = "SELECT 'durable-export: key-values' FROM (VALUES\n(";
const END = ")) WHERE 0;\n";

/**
 * Returns the entries as a table that a dump can contain: key, number of the piece, number of
 * pieces, piece.
 */
export function createKeyValuesTable(): Table {
  const columns = [
    column("key", "blob", 1),
    column("part", "integer", 2),
    column("parts", "integer", 0),
    column("value", "blob", 0),
  ];
  const empty = columns.map(({ name }) => `NULL AS ${name}`).join(", ");
  return {
    name: KEY_VALUES_TABLE,
    sql: "",
    kind: "virtual",
    strict: false,
    autoincrement: false,
    columns,
    indexes: [],
    foreignKeys: [],
    key: ["key", "part"].map((name) => ({
      name,
      descending: false,
      collation: "BINARY",
      integer: false,
    })),
    derived: { kind: "key-values", rowsSql: `SELECT ${empty} WHERE 0`, head: HEAD, end: END },
  };
}

function column(name: string, affinity: "blob" | "integer", primaryKey: number): Column {
  const type = affinity.toUpperCase();
  return { name, type, affinity, notNull: true, primaryKey, generated: "no" };
}

/** True for the beginning of a dump's key-value statement. */
export function beginsKeyValues(sql: string): boolean {
  return sql.trimStart().startsWith(HEAD.trimEnd().slice(0, -2));
}

/** A row of a dump's key-value statement. Key and value are hex digits. */
export interface KeyValuePiece {
  key: string;
  part: number;
  parts: number;
  value: string;
}

/** Returns the entries of a dump's key-value statement; undefined for other statements. */
export function parseKeyValues(sql: string): KeyValuePiece[] | undefined {
  if (!beginsKeyValues(sql)) return undefined;
  return [...sql.matchAll(/\(X'([0-9A-F]*)',(\d+),(\d+),X'([0-9A-F]*)'\)/gi)].map(
    ([, key = "", part, parts, value = ""]) => ({
      key,
      part: Number(part),
      parts: Number(parts),
      value,
    }),
  );
}
