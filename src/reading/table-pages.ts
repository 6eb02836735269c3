import { KIB, PAGE_BYTES } from "../api/limits.ts";
import { hasIntegerKey, type Table } from "../sqlite/catalog.ts";
import type { RowKey } from "../sqlite/row-key.ts";
import { assert } from "../lib/assert.ts";
import type { PagePlace, PageRead } from "./page-reader.ts";
import type { PagesAhead } from "./pages-ahead.ts";
import type { TableExtent } from "./table-reader.ts";

/** A page may have this many times the rows of the previous one. */
const PAGE_GROWTH = 8;
const PAGE_ROWS_MAX = 50_000;
/**
 * Rows of at least this length are long: per byte, a page takes a third of the time (November
 * 2026).
 */
const LONG_ROW_BYTES = KIB;

/** The bytes of a row before one is known. */
const UNKNOWN_ROW_BYTES = 100;

/**
 * How full a range of keys is expected to be, as a share of a page's rows, if its keys have gaps. A
 * range with more rows than a page costs a request more; one with fewer costs nothing.
 */
const RANGE_FILL = 0.9;

/** With at most this many keys for each row, a table is dense: ranges of it are always planned. */
const DENSE_KEYS = 2;
/** Keys are spread evenly if two consecutive pages agree about their density by this factor. */
const AGREEING_FACTOR = 2;

/** Rows that were requested together, or that will be. */
interface Part {
  after: RowKey;
  /** The last key of the range; undefined if it ends with the table. */
  upTo: bigint | undefined;
  /** Undefined as long as nobody has requested them. */
  request?: { page: Promise<PageRead>; read?: PageRead };
}

/** What `TablePages` reads. */
export interface PagesToRead {
  table: Table;
  extent: TableExtent;
  /** The source's value. */
  longRowsPageBytes: number;
  after: RowKey;
  /** The number of rows in the first page. */
  rows: number;
  read: (place: PagePlace) => Promise<PageRead>;
}

/**
 * The pages of one table in key order, of which several may be requested at a time.
 *
 * Without an integer key, a page starts after the last key of the page before it. With one, the keys
 * that follow can be divided into ranges that are expected to fill a page. A range never returns
 * more rows than a page: if it has more, the rest of it is requested next. So pages come in order,
 * without gaps, even if a guess was wrong. If keys are spread unevenly, no range is planned.
 *
 * The rows of a range are read once: nothing is requested twice, and no key is looked up to find
 * where a range ends.
 */
export class TablePages {
  readonly #given: PagesToRead;
  readonly #ahead: PagesAhead;
  readonly #onAnswer: () => void;
  readonly #isRanged: boolean;
  /** In key order, without gaps. Each answer that has come in order was learned from. */
  readonly #parts: Part[];
  /** How many of them were learned from. */
  #learned = 0;
  #limit: number;
  #rowBytes = 0;
  /** Keys for each row, in the last page. */
  #stride: number | undefined;
  #isEven = false;
  /** Of pages without rows. */
  #rowsRead = 0;

  /** `onAnswer` is called when more may be requested. */
  constructor(given: PagesToRead, ahead: PagesAhead, onAnswer: () => void) {
    this.#given = given;
    this.#ahead = ahead;
    this.#onAnswer = onAnswer;
    this.#isRanged = ahead.isConcurrent && hasIntegerKey(given.table);
    this.#limit = given.rows;
    const { table: known } = ahead.pace;
    if (given.after !== null && known?.table === given.table.name) {
      this.#limit = known.limit;
      this.#rowBytes = known.rowBytes;
      this.#stride = known.stride;
      this.#isEven = known.isEven;
    }
    this.#parts = [{ after: given.after, upTo: undefined }];
  }

  /** About how many bytes nobody has requested yet. */
  get bytesLeft(): number {
    const part = this.#parts.find(({ request }) => request === undefined);
    if (part === undefined && this.#parts.every(({ upTo }) => upTo !== undefined)) return 0;
    const { lastKey, rowsMax, bytes } = this.#given.extent;
    if (bytes !== undefined) return part === undefined ? 0 : bytes;
    const rowBytes = this.#rowBytes || UNKNOWN_ROW_BYTES;
    if (rowsMax !== undefined) return rowsMax * rowBytes;
    if (lastKey === undefined) return Number.POSITIVE_INFINITY;
    const after = toInteger((part ?? this.#parts.at(-1))?.after) ?? 0n;
    return (Number(lastKey - after) / (this.#stride ?? 1)) * rowBytes;
  }

  /** Requests the next rows, if they are known and the time has come. Returns false if not. */
  requestNext(): boolean {
    const bytes = this.#nextBytes;
    const part = this.#parts.find(({ request }) => request === undefined);
    if (part === undefined || !this.#ahead.mayRequest(bytes)) return false;
    this.#request(part, bytes);
    return true;
  }

  /** Returns the next page, and requests it if nobody has. */
  async take(): Promise<PageRead> {
    for (;;) {
      const [part] = this.#parts;
      if (part === undefined) return { kind: "end", rowsRead: this.#rowsRead };
      if (part.request === undefined) {
        this.#request(part, this.#nextBytes);
        continue;
      }
      const page = await part.request.page;
      this.#learn();
      this.#parts.shift();
      this.#learned -= 1;
      this.#ahead.take(lengthOf(page));
      this.#onAnswer();
      this.#rowsRead += page.rowsRead;
      if (page.kind === "end") continue;
      const rowsRead = this.#rowsRead;
      this.#rowsRead = 0;
      return { ...page, rowsRead };
    }
  }

  /** About how many bytes the next page has. */
  get #nextBytes(): number {
    return this.#given.extent.bytes ?? this.#limit * (this.#rowBytes || UNKNOWN_ROW_BYTES);
  }

  /** Requests the rows of `part`, or the first of them. */
  #request(part: Part, bytes: number): void {
    const { after } = part;
    const upTo = this.#endOfRange(part);
    const limit = this.#limit;
    const page = this.#ahead.request(
      bytes,
      () => this.#given.read({ after, upTo, limit, rowBytes: this.#rowBytes }),
      describe,
    );
    const request: Part["request"] = { page };
    const isWhole = upTo === part.upTo;
    if (isWhole) {
      part.request = request;
    } else {
      this.#parts.splice(this.#parts.indexOf(part), 0, { after, upTo, request });
      part.after = toKey(upTo as bigint);
    }
    // The caller may stop before it needs this page; the page's error is then ignored.
    page.then(
      (read) => {
        request.read = read;
        this.#learn();
        this.#onAnswer();
      },
      () => {},
    );
  }

  /** The last key of the range that is requested next; `upTo` if it is requested to its end. */
  #endOfRange({ after, upTo }: Part): bigint | undefined {
    if (!this.#isRanged || !this.#isEven) return upTo;
    const start = toInteger(after);
    const end = upTo ?? this.#given.extent.lastKey;
    if (start === undefined || end === undefined) return upTo;
    const keys = Math.floor(this.#limit * (this.#stride ?? 1) * RANGE_FILL);
    const last = start + BigInt(Math.max(this.#limit, keys));
    return last < end ? last : upTo;
  }

  /** Learns from answers in key order, so that what follows them is known. */
  #learn(): void {
    for (;;) {
      const part = this.#parts[this.#learned];
      const page = part?.request?.read;
      if (part === undefined || page === undefined) return;
      this.#learned += 1;
      if (page.kind === "end") {
        this.#isEven = false;
        this.#stride = undefined;
        continue;
      }
      const last = this.#isRanged ? toInteger(page.last) : undefined;
      const isRead = page.complete || (part.upTo !== undefined && last === part.upTo);
      this.#measure(part, page, isRead && part.upTo !== undefined ? part.upTo : last);
      if (isRead) continue;
      this.#parts.splice(this.#learned, 0, { after: page.last, upTo: part.upTo });
    }
  }

  /** Learns the length of rows and the density of keys. `end` is the last key of what was read. */
  #measure(part: Part, page: Exclude<PageRead, { kind: "end" }>, end: bigint | undefined): void {
    this.#rowBytes = page.byteLength / page.rows;
    this.#limit = nextLimit(page.limit, this.#rowBytes, this.#given.longRowsPageBytes);
    if (end !== undefined) this.#measureKeys(part, page.rows, end);
    this.#ahead.pace.table = {
      table: this.#given.table.name,
      limit: this.#limit,
      rowBytes: this.#rowBytes,
      stride: this.#stride,
      isEven: this.#isEven,
    };
  }

  #measureKeys(part: Part, rows: number, end: bigint): void {
    const stride = Number(end - (toInteger(part.after) ?? 0n)) / rows;
    const before = this.#stride;
    const agrees =
      before !== undefined &&
      stride <= before * AGREEING_FACTOR &&
      stride >= before / AGREEING_FACTOR;
    this.#isEven = stride > 0 && (stride <= DENSE_KEYS || agrees);
    this.#stride = stride;
  }
}

function describe(page: PageRead): { length: number; isRequested: boolean } {
  return { length: lengthOf(page), isRequested: page.kind === "end" || page.isRequested !== false };
}

function lengthOf(page: PageRead): number {
  return page.kind === "end" ? 0 : page.byteLength;
}

/** The value of an integer key; undefined before the first row. */
function toInteger(key: RowKey | undefined): bigint | undefined {
  const [value] = key ?? [];
  if (value === undefined) return undefined;
  assert("literal" in value, "an integer is a literal");
  return BigInt(value.literal);
}

function toKey(value: bigint): RowKey {
  return [{ literal: String(value) }];
}

/**
 * Returns the number of rows whose text reaches a page's target size, if they are like the last
 * ones.
 */
function nextLimit(limit: number, rowBytes: number, longRowsPageBytes: number): number {
  const pageBytes = rowBytes >= LONG_ROW_BYTES ? longRowsPageBytes : PAGE_BYTES;
  const fitting = Math.floor(pageBytes / Math.max(rowBytes, 1));
  return Math.max(1, Math.min(fitting, limit * PAGE_GROWTH, PAGE_ROWS_MAX));
}
