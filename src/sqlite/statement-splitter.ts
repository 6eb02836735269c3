import { Buffer } from "node:buffer";

import { viewOf } from "../lib/bytes.ts";
import { beginsRows, CONTINUES, NOT_PLAIN, PlainRows } from "./plain-rows.ts";
import type { ScriptPlace, ScriptStatement } from "./script-statement.ts";
import { classifyToken, countLines, findTokenEnd, skipPlain } from "./sql-tokens.ts";

export type { ScriptPlace, ScriptStatement };

/**
 * - `start`: between two statements.
 * - `explain`, `create`: after EXPLAIN, and after CREATE or CREATE TEMP.
 * - `body`: in a statement that its first semicolon ends.
 * - `virtual`: in CREATE VIRTUAL TABLE. SQLite takes semicolons in parentheses for arguments of the module.
 * - `trigger`, `semicolon`, `end`: in CREATE TRIGGER, which ends with `; END ;`.
 */
type State = "start" | "explain" | "create" | "body" | "virtual" | "trigger" | "semicolon" | "end";

const SEMICOLON = 0x3b;
const OPEN = 0x28;
const CLOSE = 0x29;
const SLASH = 0x2f;

/** How INSERTs begin, up to and including VALUES. */
interface InsertHead {
  bytes: Uint8Array;
  /** Line feeds. */
  lines: number;
}

/** No keyword that counts is longer. */
const KEYWORD_LENGTH_MAX = 9;

const NOTHING = Buffer.alloc(0);

/** How many bytes of a chunk are copied at least, so that they follow the statement that the last chunk began. */
const JOINED_BYTES_MIN = 32 * 1024;

/**
 * Splits a script, which arrives in pieces of any size, into the statements that SQLite's own parser finds in
 * it: the rules of `sqlite3_complete()` (https://www.sqlite.org/c3ref/complete.html), and those of CREATE
 * VIRTUAL TABLE and of byte order marks, which that function does not know. Holds one statement and the
 * rest of the last piece.
 */
export class StatementSplitter {
  /** The bytes that have arrived, from somewhere before the end of the last statement on. */
  #pending: Buffer = NOTHING;
  /** How many bytes `#pending` may have in its present memory; 0 if that is the caller's. */
  #capacity = 0;
  /** The last piece, and how many of its bytes are in `#pending` or before it. */
  #chunk: Buffer = NOTHING;
  #joined = 0;
  /** The end of the last statement in `#pending`. */
  #from = 0;
  /**
   * The start of the next token in `#pending`, and how many bytes were already searched for its
   * end.
   */
  #at = 0;
  #searched = 0;
  /** The start of the statement's first token in `#pending`; -1 before it is found. */
  #first = -1;
  #state: State = "start";
  /** Open parentheses of CREATE VIRTUAL TABLE. */
  #depth = 0;
  #expected: InsertHead | undefined;
  /** The rows of a statement that begins as expected, as long as there are only literals. */
  #rows: { head: InsertHead; read: PlainRows } | undefined;
  readonly #before: ScriptPlace;

  /** The first bytes to be pushed are those at `place`, after a statement's end. */
  constructor(place: ScriptPlace = { textBytes: 0, statements: 0, lines: 0 }) {
    this.#before = { ...place };
  }

  /** Bytes of the statement that has begun. */
  get pendingBytes(): number {
    return this.#pending.length - this.#from;
  }

  /**
   * Expects INSERTs that begin with these bytes, of which VALUES are the last. If only literals follow, a statement is
   * read faster, in one pass that also counts its rows.
   */
  expectRows(bytes: Uint8Array | undefined): void {
    if (bytes === undefined || bytes === this.#expected?.bytes) return;
    this.#expected = { bytes, lines: countLines(viewOf(bytes), 0, bytes.length) };
  }

  /** Yields the statements that `chunk` ends. Do not write to the chunk afterwards. */
  *push(chunk: Uint8Array): Generator<ScriptStatement> {
    this.#chunk = viewOf(chunk);
    this.#joined = 0;
    while (this.#join()) {
      for (let end = this.#findEnd(); end > 0; end = this.#findEnd()) yield this.#take(end, true);
    }
    this.#chunk = NOTHING;
  }

  /**
   * The statement or comment that the script breaks off, to be called after the last piece. SQLite runs such a
   * statement too: the caller decides whether a script may lack its last semicolon.
   */
  finish(): ScriptStatement | undefined {
    if (this.#rows !== undefined) {
      // The general rules find what is open.
      this.#rows = undefined;
      this.#findEnd();
    }
    const { length } = this.#pending;
    const openKind = this.#at < length ? classifyToken(this.#pending, this.#at) : undefined;
    if (this.#first < 0 && openKind !== undefined && openKind !== "comment") this.#first = this.#at;
    const isInBlockComment = openKind === "comment" && this.#pending[this.#at] === SLASH;
    return this.#first < 0 && !isInBlockComment ? undefined : this.#take(length, false);
  }

  /** Adds bytes of the last piece to the pending ones. Returns false if it has no more. */
  #join(): boolean {
    const chunk = this.#chunk;
    const joined = this.#joined;
    if (joined === chunk.length) return false;
    const length = this.pendingBytes;
    if (length <= joined) {
      // All of the pending bytes are in the chunk, so nothing is copied.
      this.#moveTo(chunk, joined - length);
      this.#capacity = 0;
      this.#joined = chunk.length;
    } else {
      // As many as the statement probably needs.
      this.#joined = Math.min(chunk.length, joined + Math.max(length, JOINED_BYTES_MIN));
      this.#append(chunk.subarray(joined, this.#joined));
    }
    return true;
  }

  #append(bytes: Buffer): void {
    if (this.#pending.length + bytes.length > this.#capacity) {
      const length = this.pendingBytes;
      // At least doubled: else a long statement would be copied with each of its pieces.
      this.#capacity = Math.max(length + bytes.length, 2 * length);
      const grown = Buffer.allocUnsafe(this.#capacity);
      this.#pending.copy(grown, 0, this.#from);
      this.#moveTo(grown.subarray(0, length), 0);
    }
    const { buffer, byteOffset, length } = this.#pending;
    this.#pending = Buffer.from(buffer, byteOffset, length + bytes.length);
    this.#pending.set(bytes, length);
  }

  /** Continues in other memory, in which the bytes from `#from` on stand at `from`. */
  #moveTo(pending: Buffer, from: number): void {
    const by = from - this.#from;
    this.#pending = pending;
    this.#from = from;
    this.#at += by;
    if (this.#searched > 0) this.#searched += by;
    if (this.#first >= 0) this.#first += by;
    this.#rows?.read.moveBy(by);
  }

  /** Reads on, and returns where the statement ends; 0 if its end has not arrived. */
  #findEnd(): number {
    const bytes = this.#pending;
    while (this.#at < bytes.length) {
      if (this.#rows !== undefined) {
        const end = this.#rows.read.read(bytes);
        if (end !== NOT_PLAIN) return end === CONTINUES ? 0 : end;
        this.#rows = undefined;
      }
      if (this.#state === "body" || this.#state === "trigger") {
        this.#at = skipPlain(bytes, this.#at);
        if (this.#at === bytes.length) return 0;
      }
      const start = this.#at;
      const end = findTokenEnd(bytes, start, this.#searched);
      if (end < 0) {
        this.#searched = bytes.length;
        return 0;
      }
      this.#at = end;
      this.#searched = 0;
      const kind = classifyToken(bytes, start);
      if (kind === "space" || kind === "comment") continue;
      const isSemicolon = bytes[start] === SEMICOLON;
      if (isSemicolon && this.#state === "start") {
        this.#drop(end, countLines(bytes, this.#from, end));
      } else if (isSemicolon && this.#endsStatement()) {
        return end;
      } else {
        if (this.#first < 0) this.#begin(start);
        const word = kind === "word" ? keyword(bytes, start, end) : "";
        this.#state = this.#nextState(word, bytes[start] as number);
      }
    }
    return 0;
  }

  /** Begins a statement. */
  #begin(start: number): void {
    this.#first = start;
    const head = this.#expected;
    if (head === undefined || !beginsRows(this.#pending, start, head.bytes)) return;
    this.#rows = { head, read: new PlainRows(start + head.bytes.length) };
  }

  /** True if a semicolon ends the statement. */
  #endsStatement(): boolean {
    if (this.#state === "trigger" || this.#state === "semicolon") return false;
    return this.#state !== "virtual" || this.#depth <= 0;
  }

  /** The state after a token: a word in upper case, or what starts with `byte`. */
  #nextState(word: string, byte: number): State {
    switch (this.#state) {
      case "start":
        if (word === "EXPLAIN") return "explain";
        return word === "CREATE" ? "create" : "body";
      case "explain":
        if (word === "QUERY" || word === "PLAN") return "explain";
        return word === "CREATE" ? "create" : "body";
      case "create":
        if (word === "TEMP" || word === "TEMPORARY") return "create";
        if (word === "VIRTUAL") return "virtual";
        return word === "TRIGGER" ? "trigger" : "body";
      case "virtual":
        if (byte === OPEN) this.#depth += 1;
        if (byte === CLOSE) this.#depth -= 1;
        return "virtual";
      case "body":
        return "body";
      case "trigger":
      case "semicolon":
      case "end":
        if (byte === SEMICOLON) return "semicolon";
        return this.#state === "semicolon" && word === "END" ? "end" : "trigger";
      default:
        return this.#state satisfies never;
    }
  }

  #take(end: number, isEnded: boolean): ScriptStatement {
    const pending = this.#pending;
    const from = this.#from;
    // A Buffer would take longer to create.
    const bytes = new Uint8Array(pending.buffer, pending.byteOffset + from, end - from);
    const first = this.#first < 0 ? end : this.#first;
    const start = first - from;
    const before = this.#before;
    const skipped = countLines(pending, from, first);
    const line = before.lines + skipped + 1;
    const offset = before.textBytes + start;
    before.statements += 1;
    const rows = this.#rows;
    const lines =
      rows === undefined ? countLines(pending, first, end) : rows.head.lines + rows.read.lines;
    this.#drop(end, skipped + lines);
    const { textBytes, statements, lines: linesAfter } = before;
    const after = { textBytes, statements, lines: linesAfter };
    const statement: ScriptStatement = {
      bytes,
      start,
      number: statements,
      line,
      offset,
      after,
      isEnded,
    };
    if (rows !== undefined) statement.plain = { head: rows.head.bytes, rows: rows.read.rows };
    return statement;
  }

  /** Continues between two statements, at `end`. From the last statement to there are so many line feeds. */
  #drop(end: number, lines: number): void {
    this.#before.lines += lines;
    this.#before.textBytes += end - this.#from;
    this.#from = end;
    this.#at = end;
    this.#searched = 0;
    this.#first = -1;
    this.#state = "start";
    this.#depth = 0;
    this.#rows = undefined;
  }
}

/**
 * The statements of a script that arrives in pieces. Throws if the script ends within a statement or a
 * comment.
 */
export async function* splitScript(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<ScriptStatement> {
  const splitter = new StatementSplitter();
  for await (const chunk of chunks) yield* splitter.push(chunk);
  const rest = splitter.finish();
  if (rest === undefined) return;
  const text = viewOf(rest.bytes).toString("utf8", 0, 200);
  throw new Error(`line ${rest.line}: the SQL text ends within a statement: ${text}`);
}

function keyword(bytes: Buffer, start: number, end: number): string {
  return end - start > KEYWORD_LENGTH_MAX ? "" : bytes.toString("latin1", start, end).toUpperCase();
}
