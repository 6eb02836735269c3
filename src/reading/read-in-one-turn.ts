import { CATALOG_QUERIES, parseCatalog } from "../sqlite/parse-catalog.ts";
import { selectLiveRows, type Statement } from "../sqlite/page-query.ts";
import type { DumpPlan } from "../formats/plan.ts";
import type { CreateEncoder } from "../formats/table-encoder.ts";
import { concatBytes, encodeUtf8 } from "../lib/bytes.ts";
import { listRowColumns, type Table } from "../sqlite/catalog.ts";
import { CURSOR_START } from "../rpc/cursor.ts";
import { ExportError } from "../api/errors.ts";
import { MIB, PAGE_BYTES } from "../api/limits.ts";
import { type DumpPiece, readDump } from "./dump-reader.ts";
import { digestCatalog } from "./read-catalog.ts";
import type { Source, SourceResult } from "../databases/source.ts";
import { buildSizeQueries, parseSizes } from "../sqlite/table-size.ts";
import type { TableReader } from "./table-reader.ts";

/**
 * Bounds of what is read in one turn, besides its bytes: writers wait for it. 2 MiB take 10 ms of CPU in
 * 2,000 rows and 35 in 20,000, and measuring them takes 8; 100 tables of 4 MiB take 62 (November 2026).
 */
export const ONE_TURN_TABLES_MAX = 100;
export const ONE_TURN_ROWS_MAX = 20_000;

/** What crosses RPC with the plan: text may be six times as long as the values it is made of. */
const TEXT_BYTES_MAX = 16 * MIB;

/** How often everything is read until no page is missing: once a page of the longest table, and some more. */
const TURNS_MAX = 6;

const CLOCK = "SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER)";

/** A piece of a dump whose bytes are its own. */
export type OneTurnPiece = Omit<DumpPiece, "bytes" | "release" | "rowsRead"> & {
  bytes: Uint8Array;
};

/** A dump of which everything is from one turn of its source. */
export interface OneTurnDump {
  /** In order, all artifacts end to end. */
  pieces: OneTurnPiece[];
  /** The source's own clock in that turn. */
  atMs: number;
  /** In all turns that it took, as the runtime bills them. */
  rowsRead: number;
}

/**
 * All of a small dump by one turn of its source, which is an instant without any snapshot. Undefined if
 * its values have more than `bytesMax` bytes, if it is not small in other ways, or if the catalog has
 * another digest in that turn than the plan was made of.
 */
export async function readInOneTurn(
  source: Source,
  dump: { plan: DumpPlan; createEncoder: CreateEncoder; catalogDigest: string; bytesMax: number },
): Promise<OneTurnDump | undefined> {
  // Only the opening of a snapshot copies the key-value storage.
  if (dump.plan.keyValues === "exported") return undefined;
  try {
    const bytesMax = Math.min(dump.bytesMax, source.oneTurnBytesMax);
    const measured = await measureTables(source, dump.plan.tables, bytesMax);
    if (measured === undefined) return undefined;
    return await readMeasured(source, dump, measured);
  } catch (error) {
    // A value that no page can hold, for instance. What is really wrong is met again, page by page.
    if (error instanceof ExportError && error.code === "source-query-failed") return undefined;
    throw error;
  }
}

/**
 * Asks for the pages that a dump is known to need, all in one turn, and walks through it with the
 * answers. A page that it then misses is asked for too, in the next turn, with all the others again:
 * only a turn that leaves nothing open counts.
 */
async function readMeasured(
  source: Source,
  dump: { plan: DumpPlan; createEncoder: CreateEncoder; catalogDigest: string },
  measured: Measured,
): Promise<OneTurnDump | undefined> {
  const reading = { ...dump, source, firstPageRows: measured.firstPageRows };
  const fixed = [...CATALOG_QUERIES, CLOCK].map((sql) => ({ sql }));
  let { rowsRead } = measured;
  let { asked } = await walk(reading, new Map());
  for (let turn = 1; turn <= TURNS_MAX; turn += 1) {
    const results = await source.transaction([...fixed, ...asked]);
    rowsRead += results.reduce((sum, result) => sum + result.rowsRead, 0);
    const catalog = results.slice(0, CATALOG_QUERIES.length).map(({ rows }) => rows);
    if ((await digestCatalog(parseCatalog(catalog))) !== dump.catalogDigest) return undefined;
    const answers = new Map(
      asked.map((each, at) => [statementKey(each), results[fixed.length + at]]),
    );
    const walked = await walk(reading, answers);
    if (walked.bytes > TEXT_BYTES_MAX) return undefined;
    if (walked.isWhole) {
      const atMs = Number(results[CATALOG_QUERIES.length]?.rows[0]?.[0]);
      return { pieces: walked.pieces, atMs, rowsRead };
    }
    ({ asked } = walked);
  }
  return undefined;
}

interface Measured {
  /** How many rows of a table fill about a page; more than it has, if it is shorter. */
  firstPageRows: (table: Table) => number;
  rowsRead: number;
}

/**
 * Counts the rows and bytes of tables, as long as they are within the bounds; undefined if they are not.
 * No turn of it reads more rows than the bound allows in all.
 */
async function measureTables(
  source: Source,
  tables: readonly Table[],
  bytesMax: number,
): Promise<Measured | undefined> {
  if (tables.length > ONE_TURN_TABLES_MAX) return undefined;
  const sizes = new Map<Table, { rows: number; bytes: number }>();
  let rowsRead = 0;
  let rowsLeft = ONE_TURN_ROWS_MAX;
  let bytesLeft = bytesMax;
  let open = [...tables];
  while (open.length > 0) {
    const limit = Math.floor(rowsLeft / open.length) + 1;
    const queries = open.map((table) => buildSizeQueries(table, { rowsMax: limit }));
    const found = parseSizes(queries, await source.transaction(queries.flat()));
    rowsRead += found.reduce((sum, size) => sum + size.rowsRead, 0);
    const bytes = found.reduce((sum, size) => sum + size.bytes, 0);
    const rows = found.reduce((sum, size) => sum + size.rows, 0);
    if (bytes > bytesLeft || rows > rowsLeft) return undefined;
    const done = open.filter((_, at) => (found[at]?.rows ?? 0) < limit);
    for (const [at, table] of open.entries()) {
      const size = found[at];
      if (size === undefined || size.rows >= limit) continue;
      sizes.set(table, size);
      rowsLeft -= size.rows;
      bytesLeft -= size.bytes;
    }
    // What is open now has more rows than its share: with none done, more than there may be.
    if (done.length === 0) return undefined;
    open = open.filter((table) => !sizes.has(table));
  }
  if (!fitsOneAnswer(sizes)) return undefined;
  return {
    rowsRead,
    firstPageRows: (table) => {
      const { rows, bytes } = sizes.get(table) ?? { rows: 0, bytes: 0 };
      const fitting = Math.floor((rows * PAGE_BYTES) / Math.max(bytes, 1));
      return bytes <= PAGE_BYTES ? rows + 1 : Math.max(1, fitting);
    },
  };
}

/** What a value takes besides its column's name, in the formats that repeat the name: `"":null,`. */
const VALUE_TEXT_BYTES = 8;

/**
 * True if the text of all rows comes to less than may cross RPC. Formats that repeat the columns' names in each
 * row make megabytes of rows that are NULL.
 */
function fitsOneAnswer(sizes: ReadonlyMap<Table, { rows: number; bytes: number }>): boolean {
  let textBytes = 0;
  for (const [table, { rows, bytes }] of sizes) {
    const names = listRowColumns(table).map(
      (name) => encodeUtf8(name).byteLength + VALUE_TEXT_BYTES,
    );
    textBytes += bytes + rows * names.reduce((sum, length) => sum + length, 0);
  }
  return textBytes <= TEXT_BYTES_MAX;
}

interface Reading {
  source: Pick<Source, "longRowsPageBytes">;
  plan: DumpPlan;
  createEncoder: CreateEncoder;
  firstPageRows: (table: Table) => number;
}

interface Walked {
  pieces: OneTurnPiece[];
  bytes: number;
  /** Every statement that was asked for. */
  asked: Statement[];
  /** True if each of them had an answer. */
  isWhole: boolean;
}

/** Reads a dump from `answers`; a statement that has none ends its table. */
async function walk(
  reading: Reading,
  answers: ReadonlyMap<string, SourceResult | undefined>,
): Promise<Walked> {
  const walked: Walked = { pieces: [], bytes: 0, asked: [], isWhole: true };
  const answer = (statement: Statement): SourceResult => {
    walked.asked.push(statement);
    const found = answers.get(statementKey(statement));
    if (found !== undefined) return found;
    walked.isWhole = false;
    return { columns: [], rows: [[null, 0]], rowsRead: 0, rowsWritten: 0 };
  };
  const reader: TableReader = {
    longRowsPageBytes: reading.source.longRowsPageBytes,
    readRows: async (table, build) => build(selectLiveRows(table)).map(answer),
    readOther: async (statement) => answer(statement),
  };
  for await (const piece of readDump({ ...reading, reader, cursor: CURSOR_START })) {
    const { bytes: texts, release: _, rowsRead: __, ...rest } = piece;
    // A page's bytes may be views of a buffer that the next page uses again.
    const bytes = concatBytes(texts);
    walked.pieces.push({ ...rest, bytes });
    walked.bytes += bytes.byteLength;
  }
  return walked;
}

function statementKey({ sql, params }: Statement): string {
  return JSON.stringify([sql, params]);
}
