import { PAGE_BYTES } from "../../api/limits.ts";
import type { Statement } from "../../sqlite/page-query.ts";
import { findQueryProblem } from "../../databases/query-problem.ts";
import type { SourceResult } from "../../databases/source.ts";
import type { SnapshotRecord } from "../../rpc/snapshot-record.ts";
import { KEPT_COLUMNS, readPagesSql } from "./kept-pages.ts";
import { SnapshotNames } from "./names.ts";

/** The most kept pages that one call reads. */
const GROUP_PAGES_MAX = 100;

type Row = SourceResult["rows"][number];

/** Pages that were requested in one call, and not taken yet. */
interface Group {
  numbers: Set<number>;
  answer: Promise<SourceResult>;
  /** True until somebody has taken what the call read. */
  isNew: boolean;
}

/** What taking one page returns. */
export interface TakenPage {
  /** The text, and the number of its rows. Undefined if the page is gone. */
  row: Row | undefined;
  rowsRead: number;
  /** False if an earlier call had already requested it. */
  isRequested: boolean;
}

/**
 * Reads kept pages, several in one call: the following ones in the snapshot's order, as many as one page of a
 * large table has bytes. Each page is held until it is taken.
 */
export class KeptPageReader {
  readonly #names: SnapshotNames;
  readonly #kept: { number: number; bytes: number }[];
  readonly #run: (statement: Statement) => Promise<SourceResult>;
  readonly #groups: Group[] = [];

  constructor(record: SnapshotRecord, run: (statement: Statement) => Promise<SourceResult>) {
    this.#names = new SnapshotNames(record.snapshotId);
    this.#kept = record.tables.flatMap(({ number, pageBytes }) =>
      pageBytes === undefined ? [] : [{ number, bytes: pageBytes }],
    );
    this.#run = run;
  }

  /** Errors: those of `run`. */
  async take(number: number): Promise<TakenPage> {
    const known = this.#groups.find(({ numbers }) => numbers.has(number));
    const group = known ?? this.#request(number);
    group.numbers.delete(number);
    if (group.numbers.size === 0) this.#forget(group);
    const { rows, rowsRead } = await group.answer;
    const [, r, count] = rows.find(([n]) => n === number) ?? [];
    const isFirst = group.isNew;
    group.isNew = false;
    return {
      row: r === undefined || count === undefined ? undefined : [r, count],
      rowsRead: isFirst ? rowsRead : 0,
      isRequested: known === undefined,
    };
  }

  #request(first: number): Group {
    const numbers = new Set<number>();
    let bytes = 0;
    for (const page of this.#kept.slice(this.#kept.findIndex((each) => each.number === first))) {
      bytes += page.bytes;
      const isFull = bytes > PAGE_BYTES || numbers.size === GROUP_PAGES_MAX;
      if (numbers.size > 0 && isFull) break;
      numbers.add(page.number);
    }
    const last = [...numbers].at(-1) ?? first;
    const group = {
      numbers,
      answer: this.#read(readPagesSql(this.#names, { first, last })),
      isNew: true,
    };
    this.#groups.push(group);
    // Another attempt requests the pages again.
    group.answer.catch(() => this.#forget(group));
    return group;
  }

  async #read(sql: string): Promise<SourceResult> {
    try {
      return await this.#run({ sql, params: [], columns: KEPT_COLUMNS });
    } catch (error) {
      if (findQueryProblem(error) !== "too-big") throw error;
      // With the count of columns, a source transfers BLOBs faster, but only shorter ones.
      return this.#run({ sql, params: [] });
    }
  }

  #forget(group: Group): void {
    const at = this.#groups.indexOf(group);
    if (at >= 0) this.#groups.splice(at, 1);
  }
}
