import { STATEMENT_BYTES_MAX } from "../api/limits.ts";
import { concatBytes, decodeIfUtf8, encodeUtf8 } from "../lib/bytes.ts";
import type { SourceStatement } from "../databases/source.ts";
import { splitLongInsert } from "./long-statement.ts";

/** The plain rows of an INSERT … VALUES. */
export interface InsertedRows {
  /** The statement up to its rows, VALUES included. */
  head: string;
  /** The rows in their parentheses, without a semicolon. */
  text: Uint8Array;
}

/**
 * The platform's limit of columns in a result: several rows in one VALUES are one. The rowid of a table of 100 columns
 * makes 101, which one row may have.
 */
const COLUMNS_MAX = 100;

/** A comment in the text before ends with its line. */
const SEPARATOR = encodeUtf8("\n,");

/**
 * Joins the rows of INSERTs that begin alike into as few statements as the platform's limit allows: it takes far
 * longer to run many small ones. A plain INSERT of several rows does what one INSERT for each does.
 */
export class RowMerger {
  readonly #head: string;
  readonly #isTooWide: boolean;
  #pieces: Uint8Array[] = [];
  #bytes: number;

  constructor({ head, text }: InsertedRows) {
    this.#head = head;
    // Names may contain commas. Then rows are not joined that could be.
    this.#isTooWide = head.split(",").length > COLUMNS_MAX;
    // At most three bytes a UTF-16 unit.
    this.#bytes = 3 * head.length + 1;
    this.#push(text);
  }

  /** Takes rows if they fit and begin alike; returns false if they do not. */
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

  /** Returns the statements for all rows; one, unless the text is not valid UTF-8. */
  finish(): SourceStatement[] {
    const rows = concatBytes(this.#pieces);
    const text = decodeIfUtf8(rows);
    if (text !== undefined) return [{ sql: `${this.#head} ${text}` }];
    const head = encodeUtf8(`${this.#head} `);
    const rowsAt = head.length - "VALUES ".length;
    return [...splitLongInsert(concatBytes([head, rows]), rowsAt)];
  }
}
