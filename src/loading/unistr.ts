import { Buffer } from "node:buffer";

import { decodeIfUtf8, viewOf } from "../lib/bytes.ts";
import { type ByteToken, TokenReader } from "../sqlite/token-reader.ts";

/**
 * Replaces each call `unistr('…')` with a literal of its value (https://www.sqlite.org/lang_corefunc.html#unistr).
 * `sqlite3 .dump` writes such calls since 3.50, and the platform lacks the function. All other bytes stay, and so
 * does a call that SQLite would refuse.
 */
export function replaceUnistr(bytes: Uint8Array): Uint8Array {
  const view = viewOf(bytes);
  if (!/unistr/i.test(view.toString("latin1"))) return bytes;
  const tokens = new TokenReader(bytes);
  const pieces: Uint8Array[] = [];
  let at = 0;
  let last: (ByteToken | undefined)[] = [];
  for (let token = tokens.next(); token !== undefined; token = tokens.next()) {
    last = [...last.slice(-3), token];
    const [name, open, text, close] = last;
    const isCall =
      tokens.word(name) === "UNISTR" &&
      tokens.is(open, "(") &&
      text?.kind === "string" &&
      tokens.is(close, ")");
    if (!isCall || name === undefined || close === undefined) continue;
    const value = evaluate(view.toString("latin1", text.start + 1, text.end - 1));
    if (value === undefined) continue;
    pieces.push(view.subarray(at, name.start), writeLiteral(value));
    at = close.end;
  }
  return Buffer.concat([...pieces, view.subarray(at)]);
}

/** The escapes of a code point, with 4, 4, 6 and 8 hex digits. Two backslashes are one. */
const ESCAPE = /\\(?:\\|([0-9a-f]{4})|u([0-9a-f]{4})|\+([0-9a-f]{6})|U([0-9a-f]{8})|)/gi;

/**
 * Returns the bytes of a call's value. `literal` is the text between its quotes. Undefined for an unknown escape.
 */
function evaluate(literal: string): Buffer | undefined {
  let isValid = true;
  const value = literal.replaceAll("''", "'").replaceAll(ESCAPE, (escape, ...groups: unknown[]) => {
    if (escape === "\\\\") return "\\";
    const digits = groups.slice(0, 4).find((group) => typeof group === "string");
    const code = Number.parseInt(String(digits), 16);
    isValid &&= code <= 0x10ffff;
    return isValid ? encodeCode(code).toString("latin1") : "";
  });
  return isValid ? Buffer.from(value, "latin1") : undefined;
}

/** Encodes a code point in UTF-8 as SQLite does, including halves of surrogate pairs. */
function encodeCode(code: number): Buffer {
  if (code < 0xd800 || code > 0xdfff) return Buffer.from(String.fromCodePoint(code));
  return Buffer.from([0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f)]);
}

function writeLiteral(value: Buffer): Uint8Array {
  const isPlain = !value.includes(0) && decodeIfUtf8(value) !== undefined;
  return isPlain
    ? Buffer.from(`'${value.toString("latin1").replaceAll("'", "''")}'`, "latin1")
    : Buffer.from(`CAST(X'${value.toString("hex")}' AS TEXT)`);
}
