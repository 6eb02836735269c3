import { STATEMENT_BYTES_MAX } from "../api/limits.ts";
import { concatBytes, decodeIfUtf8, encodeUtf8 } from "../lib/bytes.ts";
import type { SourceStatement } from "../databases/source.ts";
import { splitLongInsert } from "./long-statement.ts";

/** The plain rows of an INSERT … VALUES. */
export interface InsertedRows {
  /** The statement up to and including VALUES. */
  head: string;
  /** The rows in their parentheses, without a semicolon. */
  text: Uint8Array;
}

/**
 * The platform's limit on the columns of a result also applies to several rows in one VALUES. The rowid of a table
 * with 100 columns makes 101, which a single row may have.
 */
const COLUMNS_MAX = 100;

/** A line break ends a comment in the preceding text. */
const SEPARATOR = encodeUtf8("\n,");

/**
 * Joins the rows of INSERTs that begin the same way into as few statements as the platform's limit allows, because
 * many small statements take far longer. One plain INSERT of several rows does the same as one INSERT for each row.
 */
export class RowMerger {
  readonly #head: string;
  readonly #isTooWide: boolean;
  #pieces: Uint8Array[] = [];
  #bytes: number;

  constructor({ head, text }: InsertedRows) {
    this.#head = head;
    // Names may contain commas. Rows that could be joined then stay apart.
    this.#isTooWide = head.split(",").length > COLUMNS_MAX;
    // A UTF-16 unit takes at most three bytes.
    this.#bytes = 3 * head.length + 1;
    this.#push(text);
  }

  /** Accepts rows that fit and begin the same way; returns false for others. */
  add({ head, text }: InsertedRows): boolean {
    const isFull = this.#bytes + text.length + SEPARATOR.length > STATEMENT_BYTES_MAX;
    if (isFull || this.#isTooWide || head !== this.#head) return false;
    this.#pieces.push(SEPARATOR);
    this.#push(text);
    return true;
  }

  #push(text: Uint8Array): void {
    this.#pieces.push(text);
    this.#bytes += text.length + SEPARATOR.length;
  }

  /** Returns the statements for all rows. It is one, unless the text is not valid UTF-8. */
  finish(): SourceStatement[] {
    const rows = concatBytes(this.#pieces);
    const text = decodeIfUtf8(rows);
    if (text !== undefined) return [{ sql: `${this.#head} ${text}` }];
    const head = encodeUtf8(`${this.#head} `);
    const rowsAt = head.length - "VALUES ".length;
    return [...splitLongInsert(concatBytes([head, rows]), rowsAt)];
  }
}
