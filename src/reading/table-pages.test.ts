import { expect, test } from "vitest";

import type { Table } from "../sqlite/catalog.ts";
import { PAGE_BYTES } from "../api/limits.ts";
import type { PagePlace, PageRead } from "./page-reader.ts";
import { PagesAhead } from "./pages-ahead.ts";
import { TablePages } from "./table-pages.ts";

const TABLE = { name: "t", key: [{ name: "id", integer: true }] } as Table;

/** A database of rows of `rowBytes` bytes. It answers each request in a later turn. */
class Answers {
  /** The places of all requests, in the order of asking. */
  readonly places: PagePlace[] = [];
  readonly rowsRead: bigint[] = [];
  mostUnderWay = 0;
  readonly #keys: bigint[];
  readonly #rowBytes: number;
  readonly #waiting = new Set<() => void>();

  constructor(keys: bigint[], rowBytes = 100) {
    this.#keys = keys;
    this.#rowBytes = rowBytes;
  }

  readonly read = async (place: PagePlace): Promise<PageRead> => {
    this.places.push(place);
    await new Promise<void>((resolve) => {
      this.#waiting.add(resolve);
      this.mostUnderWay = Math.max(this.mostUnderWay, this.#waiting.size);
      setImmediate(() => this.#answer(resolve));
    });
    const after = keyOf(place.after);
    const found = this.#keys
      .filter((key) => (after === undefined || key > after) && key <= (place.upTo ?? key))
      .slice(0, place.limit);
    this.rowsRead.push(...found);
    if (found.length === 0) return { kind: "end", rowsRead: 0 };
    return {
      kind: "page",
      raw: {} as never,
      rows: found.length,
      byteLength: found.length * this.#rowBytes,
      last: [{ literal: String(found.at(-1)) }],
      broken: [],
      limit: place.limit,
      rowsRead: found.length,
      complete: found.length < place.limit,
    };
  };

  #answer(resolve: () => void): void {
    this.#waiting.delete(resolve);
    resolve();
  }
}

function keyOf(after: PagePlace["after"]): bigint | undefined {
  const [value] = after ?? [];
  return value !== undefined && "literal" in value ? BigInt(value.literal) : undefined;
}

/** Reads a table to its end. Each look at the clock finds it `stepMs` later. */
async function readAll(keys: bigint[], options: { pagesMax: number; rowBytes?: number }) {
  const answers = new Answers(keys, options.rowBytes);
  let ms = 0;
  const ahead = new PagesAhead({ pagesMax: options.pagesMax, nowMs: () => (ms += 100) });
  const lastKey = keys.at(-1);
  const pages: TablePages = new TablePages(
    {
      table: TABLE,
      extent: lastKey === undefined ? {} : { lastKey },
      longRowsPageBytes: 2 * PAGE_BYTES,
      after: null,
      rows: 200,
      read: answers.read,
    },
    ahead,
    () => {
      while (pages.requestNext());
    },
  );
  const taken: { last: bigint | undefined; rows: number }[] = [];
  for (;;) {
    const page = await pages.take();
    if (page.kind === "end") return { taken, answers };
    taken.push({ last: keyOf(page.last), rows: page.rows });
  }
}

const numbered = (count: number, keyAt: (n: number) => bigint): bigint[] =>
  Array.from({ length: count }, (_, at) => keyAt(at + 1));

const LONG = { rowBytes: 10_000 };

test.each([
  ["that follow one another", numbered(9_000, BigInt)],
  ["with even gaps", numbered(9_000, (n) => BigInt(n) * 1_000n)],
  ["with a gap in the middle", numbered(9_000, (n) => BigInt(n > 4_000 ? n + 5_000_000 : n))],
  ["that become sparse", numbered(9_000, (n) => BigInt(n) ** 3n)],
  ["that become dense", numbered(9_000, (n) => 10n ** 12n - BigInt(9_001 - n) ** 3n)],
  ["in clusters", numbered(9_000, (n) => BigInt(Math.floor(n / 700)) * 2n ** 40n + BigInt(n))],
  ["from the least to the greatest", [-(2n ** 63n), -5n, 0n, 7n, 2n ** 63n - 1n]],
  ["that are all negative", numbered(3_000, (n) => BigInt(n) - 10_000n)],
])("keys %s are read once and in order, several pages at a time", async (_, keys) => {
  const { taken, answers } = await readAll(keys, { pagesMax: 4, ...LONG });
  expect(taken.reduce((sum, { rows }) => sum + rows, 0)).toBe(keys.length);
  expect(taken.map(({ last }) => last)).toEqual(
    taken.map(({ last }) => last).toSorted((a, b) => (BigInt(a ?? 0) < BigInt(b ?? 0) ? -1 : 1)),
  );
  expect(answers.rowsRead.toSorted((a, b) => (a < b ? -1 : 1))).toEqual(keys);
  expect(answers.mostUnderWay).toBeLessThanOrEqual(4);
});

test("no page has more rows than fill it, however dense keys become", async () => {
  const keys = numbered(9_000, (n) => 10n ** 12n - BigInt(9_001 - n) ** 3n);
  const { taken } = await readAll(keys, { pagesMax: 4, ...LONG });
  const fitting = (2 * PAGE_BYTES) / LONG.rowBytes;
  expect(Math.max(...taken.slice(1).map(({ rows }) => rows))).toBeLessThanOrEqual(fitting);
});

test.each([1, 2, 4, 16])(
  "at most %i pages are requested at a time, and as many are",
  async (max) => {
    const { answers } = await readAll(numbered(20_000, BigInt), { pagesMax: max, ...LONG });
    expect(answers.mostUnderWay).toBe(max);
  },
);

test("with one page at a time, each page starts after the last row of the page before it", async () => {
  const { answers } = await readAll(numbered(5_000, BigInt), { pagesMax: 1, ...LONG });
  expect(answers.places.map(({ upTo }) => upTo).filter((upTo) => upTo !== undefined)).toEqual([]);
  expect(answers.rowsRead).toHaveLength(5_000);
});

test("even keys cost hardly more requests than one page after the other", async () => {
  const keys = numbered(20_000, (n) => BigInt(n) * 7n);
  const one = await readAll(keys, { pagesMax: 1, ...LONG });
  const four = await readAll(keys, { pagesMax: 4, ...LONG });
  expect(four.answers.places.length).toBeLessThanOrEqual(one.answers.places.length * 1.15 + 4);
});
