import { viewOf } from "../lib/bytes.ts";
import { quoteText } from "../sqlite/identifier.ts";
import { type ByteToken, TokenReader } from "../sqlite/token-reader.ts";

/**
 * Replaces each call `unistr('…')`, which `sqlite3 .dump` writes since 3.50 and the platform does not have, by the
 * literal of its value (https://www.sqlite.org/lang_corefunc.html#unistr). Other bytes stay.
 */
export function replaceUnistr(bytes: Uint8Array): Uint8Array {
  const view = viewOf(bytes);
  if (!/unistr/i.test(view.toString("latin1"))) return bytes;
  const tokens = new TokenReader(bytes);
  const pieces: Buffer[] = [];
  let at = 0;
  const last: (ByteToken | undefined)[] = [];
  for (let token = tokens.next(); token !== undefined; token = tokens.next()) {
    last.push(token);
    if (last.length > 4) last.shift();
    const [name, open, text, close] = last;
    const isCall =
      tokens.word(name) === "UNISTR" &&
      tokens.is(open, "(") &&
      text?.kind === "string" &&
      tokens.is(close, ")");
    if (!isCall || name === undefined || close === undefined) continue;
    pieces.push(view.subarray(at, name.start), Buffer.from(writeLiteral(tokens.name(text))));
    at = close.end;
  }
  return Buffer.concat([...pieces, view.subarray(at)]);
}

/** `\XXXX`, `\uXXXX`, `\+XXXXXX` and `\UXXXXXXXX` are code points, and `\\` is a backslash. */
const ESCAPE = /\\(?:\\|([0-9a-f]{4})|u([0-9a-f]{4})|\+([0-9a-f]{6})|U([0-9a-f]{8}))/gi;

function writeLiteral(text: string): string {
  const value = text.replaceAll(
    ESCAPE,
    (_, plain?: string, short?: string, middle?: string, long?: string) => {
      const digits = plain ?? short ?? middle ?? long;
      return digits === undefined ? "\\" : String.fromCodePoint(Number.parseInt(digits, 16));
    },
  );
  if (!value.includes("\0")) return quoteText(value);
  return `CAST(X'${Buffer.from(value).toString("hex")}' AS TEXT)`;
}
