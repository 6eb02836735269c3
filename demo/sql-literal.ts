import type { DatabaseSync } from "node:sqlite";

/**
 * An SQL expression that reads the value of `column` from SQLite without loss. Integers arrive
 * unchanged (read them as BigInt), text as its bytes, REAL and BLOB as the literal that SQLite's
 * own `quote()` makes. Text does not go through `quote()`, which stops at the first NUL; for -0.0
 * it would lose the sign.
 */
export function exactValueExpression(column: string): string {
  const real = `iif(${column} = 0 AND atan2(${column}, -1) < 0, '-0.0', quote(${column}))`;
  return `CASE typeof(${column}) WHEN 'text' THEN CAST(${column} AS BLOB) WHEN 'real' THEN ${real} WHEN 'blob' THEN quote(${column}) ELSE ${column} END`;
}

/**
 * SQL terms that order the values of `column` the same way in every encoding: by type, then by
 * value. SQLite itself compares the bytes of texts, whose order differs between UTF-16 and UTF-8.
 */
export function exactOrderTerms(column: string): string {
  // JSONB is UTF-8 in every database.
  const value = `iif(typeof(${column}) = 'text', jsonb_array(${column}), ${exactValueExpression(column)})`;
  return `typeof(${column}), ${value}`;
}

/** What `exactValueExpression` returns, with integers read as BigInt. */
export type ExactValue = null | bigint | string | Uint8Array;

/** The names of `PRAGMA encoding`. */
export type TextEncodingName = "UTF-8" | "UTF-16le" | "UTF-16be";

/** The encoding of a database's texts. */
export function readEncoding(db: DatabaseSync): TextEncodingName {
  return (db.prepare("PRAGMA encoding").get() as { encoding: TextEncodingName }).encoding;
}

/**
 * The SQL literal of a value: it evaluates to the same `typeof` and the same bytes. Text with NUL,
 * or with bytes that are not UTF-8, cannot be written in quotes and becomes a cast.
 */
export function sqlLiteral(value: ExactValue, encoding: TextEncodingName = "UTF-8"): string {
  if (value === null) return "NULL";
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "string") return value;
  const bytes = utf8Bytes(value, encoding);
  const text = decodeText(bytes, "UTF-8");
  if (text === undefined || text.includes("\0")) return `CAST(${blobLiteral(bytes)} AS TEXT)`;
  return `'${text.replaceAll("'", "''")}'`;
}

/** The SQL literal of `bytes` as a BLOB. */
export function blobLiteral(bytes: Uint8Array): string {
  return `X'${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex")}'`;
}

/**
 * The bytes of a text in a database with this encoding, converted to UTF-8. Invalid UTF-16 becomes
 * U+FFFD.
 */
export function utf8Bytes(bytes: Uint8Array, encoding: TextEncodingName): Uint8Array {
  if (encoding === "UTF-8") return bytes;
  return Buffer.from(new TextDecoder(encoding, { ignoreBOM: true }).decode(bytes));
}

/** Undefined if `bytes` are not valid in this encoding. */
export function decodeText(bytes: Uint8Array, encoding: TextEncodingName): string | undefined {
  try {
    return STRICT_DECODERS[encoding].decode(bytes);
  } catch {
    return undefined;
  }
}

const STRICT_DECODERS: Record<TextEncodingName, TextDecoder> = {
  "UTF-8": new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }),
  "UTF-16le": new TextDecoder("utf-16le", { fatal: true, ignoreBOM: true }),
  "UTF-16be": new TextDecoder("utf-16be", { fatal: true, ignoreBOM: true }),
};
