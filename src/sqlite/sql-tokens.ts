import { asciiUpper } from "../lib/ascii-case.ts";

/** One token of SQL text: its kind and where it stands. Comments and white space are left out. */
export interface SqlToken {
  kind: "word" | "quoted" | "string" | "other";
  text: string;
  start: number;
}

const WORD = /[\p{L}\p{N}_$\u0080-\uffff]/u;

/**
 * Splits SQL as SQLite's tokenizer does, as far as telling words from quoted names, strings and
 * comments needs. Text that does not end its quote or comment gives the rest as one token.
 */
export function* sqlTokens(sql: string): Generator<SqlToken> {
  let at = 0;
  while (at < sql.length) {
    const start = at;
    const char = sql[at] as string;
    if (char === "-" && sql[at + 1] === "-") {
      const end = sql.indexOf("\n", at);
      at = end < 0 ? sql.length : end + 1;
    } else if (char === "/" && sql[at + 1] === "*") {
      const end = sql.indexOf("*/", at + 2);
      at = end < 0 ? sql.length : end + 2;
    } else if (char === "'" || char === '"' || char === "`") {
      at = endOfQuoted(sql, at, char);
      yield { kind: char === "'" ? "string" : "quoted", text: sql.slice(start, at), start };
    } else if (char === "[") {
      const end = sql.indexOf("]", at);
      at = end < 0 ? sql.length : end + 1;
      yield { kind: "quoted", text: sql.slice(start, at), start };
    } else if (WORD.test(char)) {
      while (at < sql.length && WORD.test(sql[at] as string)) at += 1;
      yield { kind: "word", text: sql.slice(start, at), start };
    } else {
      at += 1;
      if (!/\s/.test(char)) yield { kind: "other", text: char, start };
    }
  }
}

function endOfQuoted(sql: string, start: number, quote: string): number {
  let at = start + 1;
  while (at < sql.length) {
    if (sql[at] === quote) {
      if (sql[at + 1] !== quote) return at + 1;
      at += 1;
    }
    at += 1;
  }
  return sql.length;
}

/** The name inside a quoted or bare identifier token. */
export function identifierOf(token: SqlToken): string {
  if (token.kind === "word") return token.text;
  const quote = token.text[0] as string;
  const inner = token.text.slice(1, -1);
  return quote === "[" ? inner : inner.replaceAll(quote + quote, quote);
}

/** True where the bare word `word` (upper case) occurs outside names, strings and comments. */
export function hasWord(sql: string, word: string): boolean {
  for (const token of sqlTokens(sql)) {
    if (token.kind === "word" && asciiUpper(token.text) === word) return true;
  }
  return false;
}

/**
 * The comment that a text ends in, which would swallow what follows: `line` for one that runs to
 * the end of its line, `block` for one that is never closed.
 */
export function findOpenComment(sql: string): "line" | "block" | undefined {
  let end = 0;
  for (const token of sqlTokens(sql)) end = token.start + token.text.length;
  let rest = sql.slice(end);
  for (;;) {
    rest = rest.replace(/^\s+/, "");
    if (rest === "") return undefined;
    const isLine = rest.startsWith("--");
    const close = isLine ? rest.indexOf("\n") : rest.indexOf("*/", 2);
    if (close < 0) return isLine ? "line" : "block";
    rest = rest.slice(close + (isLine ? 1 : 2));
  }
}
