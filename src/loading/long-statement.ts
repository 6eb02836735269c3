import { Buffer } from "node:buffer";

import { STATEMENT_BYTES_MAX } from "../api/limits.ts";
import { decodeIfUtf8, fromHex } from "../lib/bytes.ts";
import type { SourceStatement } from "../databases/source.ts";
import { type ByteToken, TokenReader } from "../sqlite/token-reader.ts";

/** How many parameters a statement may have: https://developers.cloudflare.com/d1/platform/limits/. */
const PARAMS_MAX = 100;

/** A shorter literal stays in the text, because a parameter would save almost nothing. */
const LITERAL_BYTES_MIN = 64;

/** How many bytes a parameter takes in the text, at most: `CAST(?100 AS TEXT)`. */
const PARAM_BYTES_MAX = 20;

/** The platform refuses a longer value. */
const VALUE_BYTES_MAX = 2_000_000;

const QUOTE = 0x27;

/** Thrown with the reason why a statement cannot be run. */
export class UnloadableStatement extends Error {}

/**
 * Yields statements that together do the same as one INSERT … VALUES. That INSERT is too long for the platform, or
 * its text is not valid UTF-8. Its rows are split into several statements, and long literals become parameters.
 * `rowsAt` is the position of VALUES. Throws UnloadableStatement if this is impossible.
 */
export function* splitLongInsert(
  bytes: Uint8Array,
  rowsAt: number,
): Generator<SourceStatement, void, undefined> {
  const tokens = new TokenReader(bytes, rowsAt);
  tokens.next();
  const head = decodeIfUtf8(tokens.bytes.subarray(0, tokens.at));
  if (head === undefined) throw new UnloadableStatement("its names are not valid UTF-8");
  const tail = findTail(new TokenReader(bytes, tokens.at));
  const rowBytesMax = STATEMENT_BYTES_MAX - Buffer.byteLength(head) - Buffer.byteLength(tail) - 2;
  let rows: BoundRow[] = [];
  let [length, params] = [0, 0];
  for (let token = tokens.next(); token !== undefined; token = tokens.next()) {
    if (tokens.is(token, ",")) continue;
    if (!tokens.is(token, "(")) break;
    const row = bindRow(tokens.bytes, readRow(tokens, token), rowBytesMax);
    if (length + row.bytes > rowBytesMax || params + row.literals.length > PARAMS_MAX) {
      yield joinRows(head, rows, tail);
      [rows, length, params] = [[], 0, 0];
    }
    rows.push(row);
    length += row.bytes + 1;
    params += row.literals.length;
  }
  if (rows.length > 0) yield joinRows(head, rows, tail);
}

/** Returns the text after the rows (ON CONFLICT or RETURNING), without the semicolon. */
function findTail(tokens: TokenReader): string {
  let depth = 0;
  for (let token = tokens.next(); token !== undefined; token = tokens.next()) {
    if (tokens.is(token, "(")) depth += 1;
    else if (tokens.is(token, ")")) depth -= 1;
    else if (depth === 0 && !tokens.is(token, ",")) {
      return tokens.is(token, ";") ? "" : tokens.bytes.toString("utf8", token.start);
    }
  }
  return "";
}

/** A row in parentheses, with its text and byte literals. */
interface Row {
  start: number;
  end: number;
  literals: ByteToken[];
}

/** A row in which some literals are parameters. */
interface BoundRow extends Row {
  view: Buffer;
  /** How many bytes its text takes, at most. */
  bytes: number;
}

function joinRows(head: string, rows: readonly BoundRow[], tail: string): SourceStatement {
  const params: ArrayBuffer[] = [];
  const texts = rows.map((row) => writeRow(row, params));
  const sql = `${head} ${texts.join(",")}${tail === "" ? "" : ` ${tail}`}`;
  return params.length === 0 ? { sql } : { sql, params };
}

/** Reads a row in parentheses, whose text and byte literals may become parameters. */
function readRow(tokens: TokenReader, open: ByteToken): Row {
  const literals: ByteToken[] = [];
  let depth = 1;
  let before: ByteToken | undefined;
  for (let token = tokens.next(); token !== undefined; token = tokens.next()) {
    if (tokens.is(token, "(")) depth += 1;
    if (tokens.is(token, ")")) depth -= 1;
    if (depth === 0) return { start: open.start, end: token.end, literals };
    if (token.kind === "string") {
      const isBlob =
        before?.end === token.start &&
        before.end - before.start === 1 &&
        tokens.word(before) === "X";
      const literal = isBlob ? { ...token, start: token.start - 1 } : token;
      if (literal.end - literal.start >= LITERAL_BYTES_MIN || hasHighByte(tokens.bytes, literal)) {
        literals.push(literal);
      }
    }
    before = token;
  }
  throw new UnloadableStatement("a row of it does not end");
}

/** True if a literal might not be valid UTF-8. */
function hasHighByte(bytes: Buffer, { start, end }: ByteToken): boolean {
  for (let at = start; at < end; at += 1) if ((bytes[at] as number) >= 0x80) return true;
  return false;
}

/**
 * Binds literals of a row, the longest first, until the rest fits. Literals that are not valid UTF-8 are always
 * bound.
 */
function bindRow(view: Buffer, { start, end, literals }: Row, bytesMax: number): BoundRow {
  const bound = literals.filter(
    (each) => decodeIfUtf8(view.subarray(each.start, each.end)) === undefined,
  );
  let bytes = end - start - bound.reduce((sum, each) => sum + each.end - each.start, 0);
  bytes += bound.length * PARAM_BYTES_MAX;
  if (bytes > bytesMax) {
    const longest = literals
      .filter((each) => !bound.includes(each))
      .sort((a, b) => b.end - b.start - (a.end - a.start));
    for (const each of longest) {
      if (bytes <= bytesMax / 2) break;
      bound.push(each);
      bytes -= each.end - each.start - PARAM_BYTES_MAX;
    }
  }
  if (bound.length > PARAMS_MAX || bytes > bytesMax) {
    throw new UnloadableStatement(
      `a row of it has ${end - start} bytes, of which too few are in at most ${PARAMS_MAX} long literals`,
    );
  }
  for (const each of bound) requireShort(view, each);
  bound.sort((a, b) => a.start - b.start);
  return { view, start, end, literals: bound, bytes };
}

function requireShort(view: Buffer, { start, end }: ByteToken): void {
  const isBlob = view[start] !== QUOTE;
  if (isBlob ? end - start <= 2 * VALUE_BYTES_MAX + 3 : end - start <= VALUE_BYTES_MAX + 2) return;
  const { byteLength } = parseLiteral(view.subarray(start, end));
  if (byteLength <= VALUE_BYTES_MAX) return;
  throw new UnloadableStatement(
    `a literal of it has ${byteLength} bytes, and the platform accepts at most ${VALUE_BYTES_MAX}`,
  );
}

/** Writes a row with its parameters, and adds those to `params`. */
function writeRow({ view, start, end, literals }: BoundRow, params: ArrayBuffer[]): string {
  let text = "";
  let at = start;
  for (const literal of literals) {
    const name = `?${params.push(parseLiteral(view.subarray(literal.start, literal.end)))}`;
    // A cast turns bytes into text, so no decoder changes them.
    const isBlob = view[literal.start] !== QUOTE;
    text += view.toString("utf8", at, literal.start) + (isBlob ? name : `CAST(${name} AS TEXT)`);
    at = literal.end;
  }
  return text + view.toString("utf8", at, end);
}

/** The bytes that a literal means: the digits of `X'…'` decoded, or the text of `'…'`. */
function parseLiteral(literal: Buffer): ArrayBuffer {
  if (literal[0] !== QUOTE) {
    return fromHex(literal.toString("latin1", 2, literal.length - 1)).buffer;
  }
  const text = literal.toString("latin1", 1, literal.length - 1).replaceAll("''", "'");
  return new Uint8Array(Buffer.from(text, "latin1")).buffer;
}
