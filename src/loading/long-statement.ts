import { STATEMENT_BYTES_MAX } from "../api/limits.ts";
import { fromHex } from "../lib/bytes.ts";
import type { SourceStatement, SourceValue } from "../databases/source.ts";
import { type ByteToken, TokenReader } from "../sqlite/token-reader.ts";
import { decodeIfUtf8 } from "./schema-row.ts";

/** Parameters of one statement: https://developers.cloudflare.com/d1/platform/limits/. */
const PARAMS_MAX = 100;

/** A shorter literal stays in the text: its parameter would hardly be shorter. */
const LITERAL_BYTES_MIN = 64;

/** A longer value is refused by the platform. */
const VALUE_BYTES_MAX = 2_000_000;

/** Why a statement cannot be run. */
export class UnloadableStatement extends Error {}

/**
 * Returns statements that do the same as one INSERT … VALUES that is too long for the platform, or whose text is
 * not valid UTF-8: its rows in several statements, and long literals as parameters. `rowsAt` is where VALUES
 * stands. Throws UnloadableStatement if that is not possible.
 */
export function splitLongInsert(bytes: Uint8Array, rowsAt: number): SourceStatement[] {
  const tokens = new TokenReader(bytes, rowsAt);
  const view = tokens.bytes;
  tokens.next();
  const head = view.subarray(0, tokens.at);
  const rows: { start: number; end: number; literals: ByteToken[] }[] = [];
  let tail = "";
  for (let token = tokens.next(); token !== undefined; token = tokens.next()) {
    if (tokens.is(token, "(")) {
      rows.push(readRow(tokens, token));
    } else if (!tokens.is(token, ",")) {
      // ON CONFLICT, RETURNING, or the semicolon.
      tail = view.toString("utf8", token.start);
      break;
    }
  }
  const headText = decodeIfUtf8(head);
  if (headText === undefined) throw new UnloadableStatement("its names are not valid UTF-8");
  const statements: SourceStatement[] = [];
  let texts: string[] = [];
  let params: SourceValue[] = [];
  let length = 0;
  const overhead = head.length + Buffer.byteLength(tail) + 2;
  const end = (): void => {
    if (texts.length === 0) return;
    const sql = `${headText} ${texts.join(",")}${tail === "" ? "" : ` ${tail}`}`;
    statements.push(params.length === 0 ? { sql } : { sql, params });
    [texts, params, length] = [[], [], 0];
  };
  for (const row of rows) {
    const bound = bindRow(view, row, STATEMENT_BYTES_MAX - overhead);
    const bytesOfRow = Buffer.byteLength(bound.text) + 1;
    const isFull =
      length + bytesOfRow + overhead > STATEMENT_BYTES_MAX ||
      params.length + bound.params.length > PARAMS_MAX;
    if (isFull) end();
    // Numbered anew, since the statement may have other rows before.
    texts.push(bound.write(params.length));
    params.push(...bound.params);
    length += bytesOfRow;
  }
  end();
  return statements;
}

/** Reads a row in parentheses, whose literals of text and bytes may become parameters. */
function readRow(
  tokens: TokenReader,
  open: ByteToken,
): { start: number; end: number; literals: ByteToken[] } {
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
        tokens.word(before) === "X" &&
        before.end - before.start === 1;
      literals.push(isBlob ? { ...token, start: token.start - 1 } : token);
    }
    before = token;
  }
  throw new UnloadableStatement("a row of it does not end");
}

interface BoundRow {
  text: string;
  params: SourceValue[];
  /** Returns the row's text if `count` parameters stand before it. */
  write: (count: number) => string;
}

/** Binds the longest literals of a row, and those that are not valid UTF-8, until the rest fits. */
function bindRow(
  view: Buffer,
  { start, end, literals }: { start: number; end: number; literals: readonly ByteToken[] },
  bytesMax: number,
): BoundRow {
  const invalid = literals.filter(
    (each) => decodeIfUtf8(view.subarray(each.start, each.end)) === undefined,
  );
  const longest = literals
    .filter((each) => each.end - each.start >= LITERAL_BYTES_MIN && !invalid.includes(each))
    .sort((a, b) => b.end - b.start - (a.end - a.start));
  const chosen = [...invalid];
  let length = end - start - sumLengths(invalid);
  for (const each of longest) {
    if (length + chosen.length * 20 <= bytesMax / 2) break;
    chosen.push(each);
    length -= each.end - each.start;
  }
  if (chosen.length > PARAMS_MAX || length > bytesMax) {
    throw new UnloadableStatement(
      `a row of it has ${end - start} bytes, of which too few are in at most ${PARAMS_MAX} long literals`,
    );
  }
  chosen.sort((a, b) => a.start - b.start);
  const params = chosen.map((each) => parseLiteral(view.subarray(each.start, each.end)));
  const write = (count: number): string => {
    let text = "";
    let at = start;
    for (const [index, each] of chosen.entries()) {
      const isBlob = view[each.start] !== 0x27;
      const name = `?${count + index + 1}`;
      text += view.toString("utf8", at, each.start);
      // Bytes become text by a cast, so that no decoder changes them.
      text += isBlob ? name : `CAST(${name} AS TEXT)`;
      at = each.end;
    }
    return text + view.toString("utf8", at, end);
  };
  return { text: write(0), params, write };
}

function sumLengths(tokens: readonly ByteToken[]): number {
  return tokens.reduce((sum, { start, end }) => sum + end - start, 0);
}

/** The bytes of a literal: of `X'…'` those that its digits mean, of `'…'` those of the text. */
function parseLiteral(literal: Buffer): ArrayBuffer {
  const isBlob = literal[0] !== 0x27;
  const bytes = isBlob
    ? fromHex(literal.toString("latin1", 2, literal.length - 1))
    : new Uint8Array(
        Buffer.from(
          literal.toString("latin1", 1, literal.length - 1).replaceAll("''", "'"),
          "latin1",
        ),
      );
  if (bytes.byteLength > VALUE_BYTES_MAX) {
    throw new UnloadableStatement(
      `a value of it has ${bytes.byteLength} bytes, and the platform stores at most ${VALUE_BYTES_MAX}`,
    );
  }
  return bytes.buffer;
}
