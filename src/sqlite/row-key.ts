import { fromBase64, fromHex, toBase64 } from "../lib/bytes.ts";
import type { SqlValue } from "./sql-value.ts";

/**
 * One value of a key as it is put into the next query: SQL text if it is short. If it is too long
 * to be written into a statement, it is bound, and this is its bytes in base64.
 */
export type KeyValue = { literal: string } | { text: string } | { blob: string };

/** The key of the last row that was read, one value per key column; null before the first row. */
export type RowKey = KeyValue[] | null;

/** Keys longer than this many bytes are kept as base64 instead of as SQL text. */
const KEY_LITERAL_BYTES_MAX = 8_000;

/**
 * SQL of the two columns, type and value, in which a result contains the key value `name`: see
 * `parseKeyValue`.
 */
export function buildKeyValueColumns(name: string): { typeSql: string; valueSql: string } {
  return {
    typeSql: `typeof(${name})`,
    valueSql:
      `CASE WHEN octet_length(${name}) > ${KEY_LITERAL_BYTES_MAX} THEN CAST(${name} AS BLOB) ` +
      `WHEN typeof(${name}) = 'text' THEN hex(${name}) ELSE quote(${name}) END`,
  };
}

/** Reads what the two columns of `buildKeyValueColumns` contain. */
export function parseKeyValue(type: string, value: SqlValue): KeyValue {
  if (value instanceof ArrayBuffer) {
    const base64 = toBase64(new Uint8Array(value));
    return type === "text" ? { text: base64 } : { blob: base64 };
  }
  // The sign removes the affinity of CAST, which would turn an untyped column's numbers into text.
  return { literal: type === "text" ? `+CAST(X'${value}' AS TEXT)` : String(value) };
}

/**
 * Returns the SQL of a key value, the same for all values of a type. Adds the values to bind to
 * `params`.
 */
export function bindKeyValue(value: KeyValue, params: SqlValue[]): string {
  const bound = (param: ArrayBuffer | string): string => `?${params.push(param)}`;
  if ("text" in value) return `+CAST(${bound(fromBase64(value.text).buffer)} AS TEXT)`;
  if ("blob" in value) return bound(fromBase64(value.blob).buffer);
  const { literal } = value;
  const [, text, blob] = /^(?:\+CAST\(X'(.*)' AS TEXT\)|X'(.*)')$/.exec(literal) ?? [];
  if (text !== undefined) return `+CAST(${bound(fromHex(text).buffer)} AS TEXT)`;
  if (blob !== undefined) return bound(fromHex(blob).buffer);
  if (literal === "NULL") return literal;
  // As text: numbers are bound as REAL.
  return `+CAST(${bound(literal)} AS ${/^-?\d+$/.test(literal) ? "INTEGER" : "REAL"})`;
}

/** Characters of a value that an error message shows. */
const SHOWN_CHARS_MAX = 100;

/** The key as an error message shows it. */
export function describeKey(key: RowKey): string {
  if (key === null) return "(none: it is the first)";
  return key.map(describeKeyValue).join(", ");
}

function describeKeyValue(value: KeyValue): string {
  if (!("literal" in value)) return "(long value)";
  const [, hex] = /^\+CAST\(X'(.*)' AS TEXT\)$/.exec(value.literal) ?? [];
  const shown =
    hex === undefined ? value.literal : JSON.stringify(new TextDecoder().decode(fromHex(hex)));
  return shown.length <= SHOWN_CHARS_MAX
    ? shown
    : `${shown.slice(0, SHOWN_CHARS_MAX).toWellFormed()}…`;
}
