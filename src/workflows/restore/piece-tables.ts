import type { ManifestV2 } from "../../api/manifest.ts";
import { assert } from "../../lib/assert.ts";
import type { DumpPlan } from "../../formats/plan.ts";
import type { Cursor } from "../../rpc/cursor.ts";
import type { DumpPiece } from "../../reading/dump-reader.ts";
import type { TableReader } from "../../reading/table-reader.ts";
import type { Table } from "../../sqlite/catalog.ts";
import { quoteIdentifier as q } from "../../sqlite/identifier.ts";
import { buildPageQuery, parsePage } from "../../sqlite/page-query.ts";
import { describeKey, type RowKey } from "../../sqlite/row-key.ts";
import type { Difference, Locate } from "./difference.ts";
import type { PieceHasher, TextPiece } from "./piece-hasher.ts";

/** How many tables a message names. */
const NAMES_MAX = 5;

/** What a step read of one segment of rows. */
interface SegmentRead {
  table: Table;
  rows: number;
  bytes: number;
  /** True if the step read the segment from start to end. */
  hasStart: boolean;
  hasEnd: boolean;
}

/** The rows of one segment that a piece may contain. */
interface PieceRows {
  read: SegmentRead;
  /** The key before the first of these rows. */
  after: RowKey;
  last: RowKey;
}

/** A text that differs from its pieces. `ends` is true if it was read to its end. */
interface ComparedText {
  hasher: PieceHasher;
  pieces: readonly TextPiece[];
  ends: boolean;
}

/** Records which tables a dump's pieces come from, so that a message can name the tables that differ. */
export class PieceTables {
  readonly #manifest: ManifestV2;
  readonly #plan: DumpPlan;
  readonly #tables: ReadonlyMap<string, Table>;
  #at: Cursor;
  #read: SegmentRead | undefined;
  #rows: PieceRows[] = [];
  #hasOtherText = false;

  constructor(input: { manifest: ManifestV2; plan: DumpPlan; start: Cursor }) {
    this.#manifest = input.manifest;
    this.#plan = input.plan;
    this.#tables = new Map(input.plan.tables.map((table) => [table.name, table]));
    this.#at = input.start;
  }

  /** Forgets the rows of the previous piece. */
  beginPiece(): void {
    this.#rows = [];
    this.#hasOtherText = false;
  }

  /** Records the rows that were read next. `isInPiece` is true if the piece contains some of them. */
  add(read: DumpPiece, { isInPiece }: { isInPiece: boolean }): void {
    const at = this.#at;
    this.#at = read.cursor;
    const segment = this.#plan.artifacts[at.artifact]?.segments[at.segment];
    if (segment?.kind !== "rows") {
      if (isInPiece && read.bytes.length > 0) this.#hasOtherText = true;
      return;
    }
    const table = this.#tables.get(segment.table);
    assert(table !== undefined, "a plan lists the tables of its segments");
    if (this.#read === undefined || this.#read.table !== table) {
      this.#read = { table, rows: 0, bytes: 0, hasStart: at.after === null, hasEnd: false };
    }
    const current = this.#read;
    current.rows += read.rows;
    for (const { byteLength } of read.bytes) current.bytes += byteLength;
    current.hasEnd = read.cursor.segment !== at.segment || read.cursor.artifact !== at.artifact;
    if (!isInPiece || read.bytes.length === 0) return;
    let rows = this.#rows.at(-1);
    if (rows?.read !== current) {
      rows = { read: current, after: at.after, last: null };
      this.#rows.push(rows);
    }
    if (!current.hasEnd) rows.last = read.cursor.after;
  }

  /**
   * Describes how the piece of `hasher` differs. Reads a row to find the first key. If the piece does not show what
   * differs, `locate` finds it. Errors: those of the reader and of `locate`.
   */
  async describe(
    reader: TableReader,
    text: ComparedText,
    locate: Locate = () => Promise.resolve(null),
  ): Promise<Difference> {
    const place = describePlace(text);
    const counted = this.#rows.find(({ read }) => this.#hasOtherCounts(read));
    if (counted !== undefined) {
      return this.#name(reader, counted, `${place}: ${this.#describeCounts(counted.read)}`);
    }
    const [only, ...others] = this.#rows;
    const isOutside = only === undefined || this.#isOutsideRows(text);
    if (isOutside || others.length > 0 || this.#hasOtherText) {
      const located = await locate();
      const rows = this.#rows.find(({ read }) => nameTable(read.table) === located?.table);
      if (located !== null && rows === undefined) {
        return { ...noTable(`${place}: ${located.message}`), table: located.table };
      }
      if (rows !== undefined) return this.#name(reader, rows, `${place}: ${located?.message}`);
    }
    if (isOutside) return noTable(`${place}: the schema, a sequence or a search index`);
    const around = this.#hasOtherText ? ", or the text around them" : "";
    if (others.length === 0) {
      return this.#name(
        reader,
        only,
        `${place}: rows of ${q(nameTable(only.read.table))}${around}`,
      );
    }
    const names = this.#rows.slice(0, NAMES_MAX).map(({ read }) => q(nameTable(read.table)));
    const more = this.#rows.length - names.length;
    const listed = `${names.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
    return noTable(`${place}: rows of one of ${listed}${around}`);
  }

  #findExpected(name: string): ManifestV2["tables"][number] | undefined {
    return this.#manifest.tables.find((table) => table.name === name);
  }

  #hasOtherCounts({ table, rows, bytes, hasStart, hasEnd }: SegmentRead): boolean {
    const expected = table.derived === undefined ? this.#findExpected(table.name) : undefined;
    if (expected === undefined || !hasStart || !hasEnd) return false;
    return expected.rows !== rows || expected.bytes !== bytes;
  }

  #describeCounts({ table, rows, bytes }: SegmentRead): string {
    const expected = this.#findExpected(table.name);
    return (
      `table ${q(table.name)} has ${rows} rows in ${bytes} bytes of text, ` +
      `and the dump has ${expected?.rows} in ${expected?.bytes}`
    );
  }

  /** True if the last piece differs, the whole text has another length, but the rows of the piece do not. */
  #isOutsideRows({ hasher, pieces, ends }: ComparedText): boolean {
    return (
      ends &&
      hasher.piece >= pieces.length - 1 &&
      hasher.position !== sumBytes(pieces) &&
      this.#rows.every(
        ({ read }) => read.hasStart && read.hasEnd && read.table.derived === undefined,
      )
    );
  }

  async #name(
    reader: TableReader,
    { read: { table }, after, last }: PieceRows,
    message: string,
  ): Promise<Difference> {
    const first = await readFirstKey(reader, table, after);
    return {
      table: nameTable(table),
      firstKey: first === null ? null : describeKey(first),
      lastKey: first === null || last === null ? null : describeKey(last),
      message,
    };
  }
}

/** The first table, by name, that only the manifest or only the plan contains. */
export function findMissingTable(
  manifest: ManifestV2,
  plan: DumpPlan,
): { table: string; message: string } | undefined {
  const planned = new Set(
    plan.tables.filter(({ derived }) => derived === undefined).map(({ name }) => name),
  );
  const missing = manifest.tables.find(({ name }) => !planned.has(name));
  if (missing !== undefined) {
    return { table: missing.name, message: `table ${q(missing.name)} of the dump is missing` };
  }
  const expected = new Set(manifest.tables.map(({ name }) => name));
  const extra = [...planned].find((name) => !expected.has(name));
  if (extra === undefined) return undefined;
  return { table: extra, message: `table ${q(extra)} is not in the dump` };
}

function describePlace({ hasher, pieces, ends }: ComparedText): string {
  const { piece, start, end, position } = hasher;
  const total = sumBytes(pieces);
  if (hasher.differs) {
    return `piece ${piece + 1} of ${pieces.length} differs (bytes ${start} to ${end} of ${total})`;
  }
  if (!hasher.isTooLong) return `the text ends after ${position} of ${total} bytes`;
  return `the text has ${ends ? position - total : "many"} bytes more than the dump's ${total}`;
}

function sumBytes(pieces: readonly TextPiece[]): number {
  return pieces.reduce((sum, { textBytes }) => sum + textBytes, 0);
}

function noTable(message: string): Difference {
  return { table: null, firstKey: null, lastKey: null, message };
}

/** The name of a table. For the rows of a search index, the name of the index. */
function nameTable({ name, derived }: Table): string {
  return derived?.kind === "index-exclusions" ? derived.index : name;
}

/** Returns the key of the first row after `after`; null if no row follows, or the table has no key. */
async function readFirstKey(reader: TableReader, table: Table, after: RowKey): Promise<RowKey> {
  if (table.key.length === 0 || table.derived !== undefined) return null;
  const [result] = await reader.readRows(table, (select) => {
    const { sql, params } = buildPageQuery(
      { table, rowSql: () => "''", rowGapHex: "", after, limit: 1, brokenSql: undefined },
      select,
    );
    return [{ sql, params }];
  });
  const { rows, last } = parsePage(result?.rows[0] ?? []);
  return rows === 0 ? null : last;
}
