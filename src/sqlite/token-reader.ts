import type { Buffer } from "node:buffer";

import { upperAscii } from "../lib/ascii-case.ts";
import { viewOf } from "../lib/bytes.ts";
import { classifyToken, findTokenEnd, type SqlToken } from "./sql-tokens.ts";

/** One token of a statement's bytes, neither white space nor a comment. */
export interface ByteToken {
  kind: SqlToken["kind"];
  start: number;
  /** After its last byte; a doubled quote is part of its token. */
  end: number;
}

/**
 * Reads the tokens of a whole statement one by one, as bytes: nothing after the last one that was asked for is
 * looked at, so that the head of a long statement is cheap. A token that does not end its quote ends with the
 * statement.
 */
export class TokenReader {
  readonly bytes: Buffer;
  #at: number;

  constructor(bytes: Uint8Array, start = 0) {
    this.bytes = viewOf(bytes);
    this.#at = start;
  }

  /** The position at which the search for the next token starts. */
  get at(): number {
    return this.#at;
  }

  next(): ByteToken | undefined {
    const { bytes } = this;
    while (this.#at < bytes.length) {
      const start = this.#at;
      const kind = classifyToken(bytes, start);
      let end = findTokenEnd(bytes, start);
      if (kind === "string" || kind === "quoted") {
        const quote = bytes[start] as number;
        // `]` closes a name in brackets, and two of them are not one.
        const doubled = quote === 0x5b ? -1 : quote;
        while (end >= 0 && bytes[end] === doubled) end = findTokenEnd(bytes, end);
      }
      if (end < 0) end = bytes.length;
      this.#at = end;
      if (kind !== "space" && kind !== "comment") return { kind, start, end };
    }
    return undefined;
  }

  text({ start, end }: ByteToken): string {
    return this.bytes.toString("utf8", start, end);
  }

  /** Returns a bare word in upper case; an empty text for any other token. */
  word(token: ByteToken | undefined): string {
    return token?.kind === "word" ? upperAscii(this.text(token)) : "";
  }

  /** Returns the name that a token is: bare, in quotes, or, as SQLite allows, a string. Empty for none. */
  name(token: ByteToken | undefined): string {
    if (token === undefined || token.kind === "other") return "";
    const text = this.text(token);
    if (token.kind === "word") return text;
    const quote = text[0] as string;
    const inner = text.slice(1, -1);
    return quote === "[" ? inner : inner.replaceAll(quote + quote, quote);
  }

  /** True if a token is this one character. */
  is(token: ByteToken | undefined, char: string): boolean {
    return token?.kind === "other" && this.bytes[token.start] === char.charCodeAt(0);
  }
}
