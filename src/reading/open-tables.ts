import type { Table } from "../sqlite/catalog.ts";
import type { EncoderState } from "../rpc/cursor.ts";
import type { RowKey } from "../sqlite/row-key.ts";
import { PAGE_BYTES } from "../api/limits.ts";
import { assert } from "../lib/assert.ts";
import type { DumpPlan } from "../formats/plan.ts";
import type { CreateEncoder, TableEncoder } from "../formats/table-encoder.ts";
import { CheckFinder } from "./check-finder.ts";
import { readPage } from "./page-reader.ts";
import { type AheadLimits, ONE_AHEAD, PagesAhead } from "./pages-ahead.ts";
import { TablePages } from "./table-pages.ts";
import type { TableReader } from "./table-reader.ts";

/** Rows of a table's first page, before anything is known about their length. */
const FIRST_PAGE_ROWS = 200;

/** A table that is being read. */
export interface OpenTable {
  table: Table;
  encoder: TableEncoder;
  checks: CheckFinder;
  pages: TablePages;
}

/** A segment of a plan. */
interface Place {
  artifact: number;
  segment: number;
}

interface OpenAt {
  place: Place;
  table: OpenTable;
}

/**
 * The tables of a plan whose pages are requested: the current one, and those that follow it once
 * little of it is left.
 */
export class OpenTables {
  readonly #input: {
    reader: TableReader;
    plan: DumpPlan;
    createEncoder: CreateEncoder;
    firstPageRows?: (table: Table) => number;
  };
  readonly #tables: Map<string, Table>;
  readonly #ahead: PagesAhead;
  /** In the order of the plan; the first is the current one. */
  #open: OpenAt[] = [];
  #isClosed = false;

  constructor(input: {
    reader: TableReader;
    plan: DumpPlan;
    createEncoder: CreateEncoder;
    firstPageRows?: (table: Table) => number;
    ahead?: AheadLimits;
  }) {
    this.#input = input;
    this.#tables = new Map(input.plan.tables.map((table) => [table.name, table]));
    this.#ahead = new PagesAhead(input.ahead ?? ONE_AHEAD);
  }

  /** Returns the table at `place`, which is read from `after`. The tables before it are read. */
  enter(place: Place, from: { after: RowKey; encoderState: EncoderState }): OpenTable {
    const at = this.#open.findIndex((each) => isSamePlace(each.place, place));
    this.#open = at < 0 ? [] : this.#open.slice(at);
    const table = this.#open[0]?.table ?? this.#add(place, from);
    this.#requestMore();
    return table;
  }

  /** Requests nothing anymore. What is under way is ignored when it arrives. */
  close(): void {
    this.#isClosed = true;
  }

  #add(
    place: Place,
    { after, encoderState }: { after: RowKey; encoderState: EncoderState },
  ): OpenTable {
    const { reader, plan, createEncoder, firstPageRows = () => FIRST_PAGE_ROWS } = this.#input;
    const segment = plan.artifacts[place.artifact]?.segments[place.segment];
    const table = this.#tables.get(segment?.kind === "rows" ? segment.table : "");
    assert(table !== undefined, "a plan lists the tables of its segments");
    const encoder = createEncoder(table, encoderState);
    const checks = new CheckFinder(table, plan);
    const pages = new TablePages(
      {
        table,
        extent: reader.extent?.(table) ?? {},
        longRowsPageBytes: reader.longRowsPageBytes,
        after,
        rows: firstPageRows(table),
        read: (page) =>
          checks.read((brokenSql) => readPage(reader, table, encoder, { ...page, brokenSql })),
      },
      this.#ahead,
      () => this.#requestMore(),
    );
    const open = { table, encoder, checks, pages };
    this.#open.push({ place, table: open });
    return open;
  }

  /** Requests all pages that may be requested now. */
  #requestMore(): void {
    for (let at = 0; !this.#isClosed; at += 1) {
      const open = this.#open[at] ?? this.#openNext();
      if (open === undefined) return;
      const { pages } = open.table;
      while (pages.requestNext());
      if (pages.bytesLeft > PAGE_BYTES || !this.#ahead.mayRequest(0)) return;
    }
  }

  /** Opens the table after the last open one, if its pages may be requested now. */
  #openNext(): OpenAt | undefined {
    const [current] = this.#open;
    const last = this.#open.at(-1);
    if (current === undefined || last === undefined) return undefined;
    if (this.#open.length > this.#ahead.tablesMax) return undefined;
    const { artifacts } = this.#ahead.demand();
    let { artifact, segment } = last.place;
    segment += 1;
    for (; artifact - current.place.artifact <= artifacts; artifact += 1) {
      const segments = this.#input.plan.artifacts[artifact]?.segments;
      if (segments === undefined) return undefined;
      for (; segment < segments.length; segment += 1) {
        if (segments[segment]?.kind !== "rows") continue;
        this.#add({ artifact, segment }, { after: null, encoderState: 0 });
        return this.#open.at(-1);
      }
      segment = 0;
    }
    return undefined;
  }
}

function isSamePlace(a: Place, b: Place): boolean {
  return a.artifact === b.artifact && a.segment === b.segment;
}
