/** `name` as an SQL identifier. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/**
 * An SQL expression that brings the value of `column` out of SQLite without loss. Integers arrive
 * as they are (read them as BigInt), text as its bytes, REAL and BLOB as the literal that SQLite's
 * own `quote()` makes. Text does not go through `quote()`, which stops at the first NUL; of -0.0 it
 * would lose the sign.
 */
export function exactValueExpression(column: string): string {
  const real = `iif(${column} = 0 AND atan2(${column}, -1) < 0, '-0.0', quote(${column}))`;
  return `CASE typeof(${column}) WHEN 'text' THEN CAST(${column} AS BLOB) WHEN 'real' THEN ${real} WHEN 'blob' THEN quote(${column}) ELSE ${column} END`;
}

/** What `exactValueExpression` gives, with integers read as BigInt. */
export type ExactValue = null | bigint | string | Uint8Array;

/** The names of `PRAGMA encoding`. */
export type TextEncodingName = "UTF-8" | "UTF-16le" | "UTF-16be";

/**
 * The SQL literal of a value: whoever runs it has the same `typeof` and the same bytes.
 * Text with NUL or with bytes that are no UTF-8 cannot stand between quotes, and becomes a cast.
 */
export function sqlLiteral(value: ExactValue, encoding: TextEncodingName = "UTF-8"): string {
  if (value === null) return "NULL";
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "string") return value;
  const bytes = utf8Bytes(value, encoding);
  const text = decodeStrictly(bytes);
  if (text === undefined || text.includes("\0")) return `CAST(${blobLiteral(bytes)} AS TEXT)`;
  return `'${text.replaceAll("'", "''")}'`;
}

/** The SQL literal of `bytes` as a BLOB. */
export function blobLiteral(bytes: Uint8Array): string {
  return `X'${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex")}'`;
}

/** The bytes of a text of a database with this encoding, in UTF-8. */
export function utf8Bytes(bytes: Uint8Array, encoding: TextEncodingName): Uint8Array {
  if (encoding === "UTF-8") return bytes;
  return Buffer.from(new TextDecoder(encoding, { ignoreBOM: true }).decode(bytes));
}

const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decodeStrictly(bytes: Uint8Array): string | undefined {
  try {
    return strictDecoder.decode(bytes);
  } catch {
    return undefined;
  }
}
