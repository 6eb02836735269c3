import { encodeUtf8 } from "../lib/bytes.ts";
import { RESTORE_MARK } from "../sqlite/own-objects.ts";
import { type ByteToken, TokenReader } from "../sqlite/token-reader.ts";

/**
 * Returns the CREATE TABLE of a staging table: that of `sql` with another name, and without foreign keys and
 * CHECKs. Everything else is unchanged (defaults, generated columns, conflicts, collations, types), so an INSERT
 * has the same effect.
 */
export function makeStageSql(sql: string, stageName: string): string {
  const { tokens, parts, close } = readDefinitions(sql);
  const kept = parts.map((part) => keepPart(tokens, part)).filter((text) => text !== "");
  const options = tokens.bytes.toString("utf8", close.end).replace(/;\s*$/, "");
  return `CREATE TABLE ${stageName}(${kept.join(",\n")}\n${RESTORE_MARK})${options}`;
}

/** Returns a CREATE TABLE with one more column, as ALTER TABLE … ADD COLUMN would change it. */
export function addColumnText(sql: string, column: string): string {
  const { tokens, parts, close } = readDefinitions(sql);
  const constraint = parts.find(([first]) => TABLE_CONSTRAINT.test(tokens.word(first)));
  const at = constraint?.[0]?.start;
  const before = tokens.bytes.toString("utf8", 0, at ?? close.start);
  const after = tokens.bytes.toString("utf8", at ?? close.start);
  // A line break ends a comment in either text.
  return at === undefined ? `${before}\n, ${column}\n${after}` : `${before}${column}\n, ${after}`;
}

const TABLE_CONSTRAINT = /^(?:CONSTRAINT|PRIMARY|UNIQUE|CHECK|FOREIGN)$/;

/** Reads a CREATE TABLE: the tokens of each definition in its parentheses, and the closing token. */
function readDefinitions(sql: string): {
  tokens: TokenReader;
  parts: ByteToken[][];
  close: ByteToken;
} {
  const tokens = new TokenReader(encodeUtf8(sql));
  const parts: ByteToken[][] = [];
  let part: ByteToken[] = [];
  let depth = 0;
  for (let token = tokens.next(); token !== undefined; token = tokens.next()) {
    if (tokens.is(token, "(")) depth += 1;
    if (tokens.is(token, ")")) depth -= 1;
    const opens = depth === 1 && tokens.is(token, "(") && parts.length === 0 && part.length === 0;
    const isComma = depth === 1 && tokens.is(token, ",");
    const closes = depth === 0 && tokens.is(token, ")");
    if (depth > 0 && !opens && !isComma) part.push(token);
    if (isComma || closes) {
      parts.push(part);
      part = [];
    }
    if (closes) return { tokens, parts, close: token };
  }
  const { length } = tokens.bytes;
  return { tokens, parts, close: { kind: "other", start: length, end: length } };
}

/** Returns the text of one definition without its foreign keys and CHECKs; empty if nothing is left. */
function keepPart(tokens: TokenReader, part: readonly ByteToken[]): string {
  const last = part.at(-1);
  if (last === undefined) return "";
  let text = "";
  /** The text is copied as written, because an expression may contain anything. */
  let from = part[0]?.start ?? 0;
  for (let at = 0; at < part.length;) {
    const mayBegin = at > 0 || isTableConstraint(tokens.word(part[0]));
    const end = mayBegin ? skipConstraint(tokens, part, at) : at;
    if (end > at) {
      text += tokens.bytes.toString("utf8", from, part[at]?.start);
      from = part[end]?.start ?? last.end;
    }
    at = end > at ? end : tokens.is(part[at], "(") ? skipParentheses(tokens, part, at) : at + 1;
  }
  text += tokens.bytes.toString("utf8", from, last.end);
  return text.trim();
}

function isTableConstraint(word: string): boolean {
  return word === "FOREIGN" || word === "CHECK";
}

/** Returns the index after a foreign key or CHECK that begins at `at`; otherwise `at`. */
function skipConstraint(tokens: TokenReader, part: readonly ByteToken[], at: number): number {
  const word = tokens.word(part[at]);
  if (word === "CHECK") return skipConflict(tokens, part, skipParentheses(tokens, part, at + 1));
  if (word === "FOREIGN") {
    return skipConstraint(tokens, part, skipParentheses(tokens, part, at + 2));
  }
  if (word !== "REFERENCES") return at;
  let end = at + 2;
  if (tokens.is(part[end], "(")) end = skipParentheses(tokens, part, end);
  for (;;) {
    const next = tokens.word(part[end]);
    if (next === "ON") {
      const action = tokens.word(part[end + 2]);
      end += action === "SET" || action === "NO" ? 4 : 3;
    } else if (next === "MATCH") {
      end += 2;
    } else if (next === "NOT" && tokens.word(part[end + 1]) === "DEFERRABLE") {
      end += 1;
    } else if (next === "DEFERRABLE") {
      end += tokens.word(part[end + 1]) === "INITIALLY" ? 3 : 1;
    } else {
      return end;
    }
  }
}

/** A table's CHECK may have an ON CONFLICT clause, although SQLite ignores it. */
function skipConflict(tokens: TokenReader, part: readonly ByteToken[], at: number): number {
  const isConflict = tokens.word(part[at]) === "ON" && tokens.word(part[at + 1]) === "CONFLICT";
  return isConflict ? at + 3 : at;
}

function skipParentheses(tokens: TokenReader, part: readonly ByteToken[], at: number): number {
  let depth = 0;
  for (let end = at; end < part.length; end += 1) {
    if (tokens.is(part[end], "(")) depth += 1;
    if (tokens.is(part[end], ")")) depth -= 1;
    if (depth === 0) return end + 1;
  }
  return part.length;
}
