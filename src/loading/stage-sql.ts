import { viewOf, encodeUtf8 } from "../lib/bytes.ts";
import { type ByteToken, TokenReader } from "../sqlite/token-reader.ts";

/** Ends the text of every table that a restore creates in its target: by it a dump leaves the table out. */
export const RESTORE_MARK = "/* durable-export restore */";

/**
 * Returns the CREATE TABLE of a staging table: that of `sql` under another name, without foreign keys and CHECKs.
 * Everything else stays, so an INSERT means the same: defaults, generated columns, conflicts, collations, types.
 */
export function makeStageSql(sql: string, stageName: string): string {
  const bytes = encodeUtf8(sql);
  const tokens = new TokenReader(bytes);
  const list: ByteToken[] = [];
  for (let token = tokens.next(); token !== undefined; token = tokens.next()) list.push(token);
  const open = list.findIndex((token) => tokens.is(token, "("));
  const view = viewOf(bytes);
  const parts: string[] = [];
  let [depth, from, close] = [0, open + 1, list.length - 1];
  for (let at = open; at < list.length; at += 1) {
    if (tokens.is(list[at], "(")) depth += 1;
    if (tokens.is(list[at], ")")) depth -= 1;
    const ends = depth === 0 || (depth === 1 && tokens.is(list[at], ","));
    if (at === open || !ends) continue;
    parts.push(keepPart(tokens, list.slice(from, at)));
    from = at + 1;
    if (depth > 0) continue;
    close = at;
    break;
  }
  const after = list[close]?.end ?? bytes.length;
  const options = view.toString("utf8", after).replace(/;\s*$/, "");
  const kept = parts.filter((part) => part !== "").join(",\n");
  return `CREATE TABLE ${stageName}(${kept}\n${RESTORE_MARK})${options}`;
}

/** Returns the text of one definition without its foreign keys and CHECKs; empty if nothing is left. */
function keepPart(tokens: TokenReader, part: readonly ByteToken[]): string {
  const last = part.at(-1);
  if (last === undefined) return "";
  let text = "";
  /** As it is written: an expression may contain anything. */
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

/** Returns the index after a foreign key or CHECK that begins at `at`; `at` itself if there is none. */
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

/** A CHECK of a table may name what a conflict does, although SQLite ignores it. */
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
