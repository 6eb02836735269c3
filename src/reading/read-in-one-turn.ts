import { CATALOG_QUERIES, hasRestore, parseCatalog } from "../sqlite/parse-catalog.ts";
import { type Statement } from "../sqlite/page-query.ts";
import { selectLiveRows } from "../sqlite/row-select.ts";
import type { DumpPlan } from "../formats/plan.ts";
import type { CreateEncoder } from "../formats/table-encoder.ts";
import { concatBytes } from "../lib/bytes.ts";
import type { Table } from "../sqlite/catalog.ts";
import { CURSOR_START } from "../rpc/cursor.ts";
import { ExportError } from "../api/errors.ts";
import { MIB, PAGE_BYTES } from "../api/limits.ts";
import { type DumpPiece, readDump } from "./dump-reader.ts";
import { digestCatalog } from "./read-catalog.ts";
import type { Source, SourceResult } from "../databases/source.ts";
import {
  buildSizeQueries,
  countNameBytes,
  parseSizes,
  type TableSize,
} from "../sqlite/table-size.ts";
import type { TableReader } from "./table-reader.ts";

/**
 * Limits for reading in one turn, in addition to its bytes, because writers wait for it. 2 MiB take
 * 10 ms of CPU in 2,000 rows and 35 ms in 20,000, and measuring them takes 8 ms; 100 tables of
 * 4 MiB take 62 ms (November 2026).
 */
export const ONE_TURN_TABLES_MAX = 100;
export const ONE_TURN_ROWS_MAX = 20_000;

/** How many rows of each table are measured at first. */
const SAMPLE_ROWS = 200;

/**
 * The most bytes that cross RPC with the plan: text may be six times as long as the values in it.
 */
const TEXT_BYTES_MAX = 16 * MIB;

/**
 * How often everything is read until no page is missing: once per page of the longest table, and a
 * few more.
 */
const TURNS_MAX = 6;

const CLOCK = "SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER)";

/** A piece of a dump that owns its bytes. */
export type OneTurnPiece = Omit<DumpPiece, "bytes" | "release" | "rowsRead"> & {
  bytes: Uint8Array;
};

/** A dump that was read entirely in one turn of its source. */
export interface OneTurnDump {
  /** In order: all artifacts, without gaps. */
  pieces: OneTurnPiece[];
  /** The source's own clock in that turn. */
  atMs: number;
  /** In all turns that were needed, as the runtime bills them. */
  rowsRead: number;
}

/**
 * Reads a whole small dump in one turn of its source, which is an instant without any snapshot.
 * Undefined if its values have more than `bytesMax` bytes, if it is not small in other ways, if the catalog's
 * digest in that turn differs from the plan's, or if a restore is changing the source: a caller without a lock
 * then asks for one.
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
    // For instance, a value that no page can hold. Reading page by page will report the actual
    // error.
    if (error instanceof ExportError && error.code === "source-query-failed") return undefined;
    throw error;
  }
}

/**
 * Requests all known pages of a dump in one turn, and walks through the dump with the answers. If a
 * page is missing, it is requested in the next turn, together with all the others: only a turn with
 * no missing page counts.
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
    if (hasRestore(catalog[0] ?? [])) return undefined;
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
  /** How many rows of a table fill about one page; more than its rows if it is shorter. */
  firstPageRows: (table: Table) => number;
  rowsRead: number;
}

/**
 * Counts the rows and bytes of tables, as long as they are within the limits; undefined if they are
 * not. No turn reads more rows than the limit allows in total.
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
  let open = tables.map((table) => ({ table, wanted: SAMPLE_ROWS }));
  while (open.length > 0) {
    const share = Math.floor(rowsLeft / open.length) + 1;
    const limits = open.map(({ wanted }) => Math.min(wanted, share));
    const queries = open.map(({ table }, at) =>
      buildSizeQueries(table, { rowsMax: limits[at] ?? share }),
    );
    const found = parseSizes(queries, await source.transaction(queries.flat()));
    rowsRead += found.reduce((sum, size) => sum + size.rowsRead, 0);
    const bytes = found.reduce((sum, size) => sum + size.bytes, 0);
    const rows = found.reduce((sum, size) => sum + size.rows, 0);
    if (bytes > bytesLeft || rows > rowsLeft) return undefined;
    const left: typeof open = [];
    for (const [at, { table }] of open.entries()) {
      const size = found[at] as TableSize;
      if (size.rows < (limits[at] ?? share)) {
        sizes.set(table, size);
        rowsLeft -= size.rows;
        bytesLeft -= size.bytes;
      } else {
        // As many rows as exceed the limit, if they are like these: a large table is found out soon.
        const fitting = Math.ceil((bytesMax * size.rows) / Math.max(size.bytes, 1)) + 1;
        left.push({ table, wanted: Math.max(fitting, 2 * size.rows) });
      }
    }
    // If every table has more rows than its share, there are too many rows in total.
    if (left.length === open.length && limits.every((limit) => limit === share)) return undefined;
    open = left;
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

/**
 * True if the text of all rows fits into an RPC answer. Formats that repeat the columns' names in
 * each row turn rows of NULLs into megabytes.
 */
function fitsOneAnswer(sizes: ReadonlyMap<Table, { rows: number; bytes: number }>): boolean {
  let textBytes = 0;
  for (const [table, { rows, bytes }] of sizes) {
    textBytes += bytes + rows * countNameBytes(table);
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
  /** Every statement that was requested. */
  asked: Statement[];
  /** True if each of them has an answer. */
  isWhole: boolean;
}

/** Reads a dump from `answers`; a statement without an answer ends its table. */
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
    // A page's bytes may be views of a buffer that the next page reuses.
    const bytes = concatBytes(texts);
    walked.pieces.push({ ...rest, bytes });
    walked.bytes += bytes.byteLength;
  }
  return walked;
}

function statementKey({ sql, params }: Statement): string {
  return JSON.stringify([sql, params]);
}
