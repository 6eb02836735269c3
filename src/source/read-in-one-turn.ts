import { CATALOG_QUERIES, parseCatalog } from "../dump/catalog.ts";
import { liveRows, type Statement } from "../dump/page-query.ts";
import type { DumpPlan } from "../dump/plan.ts";
import type { TableEncoderOf } from "../dump/table-encoder.ts";
import { concatBytes } from "../lib/bytes.ts";
import type { Table } from "../model/catalog.ts";
import { CURSOR_START } from "../model/cursor.ts";
import { ExportError } from "../model/error.ts";
import { PAGE_BYTES } from "../model/limits.ts";
import { readDump } from "./dump-reader.ts";
import { digestOf } from "./read-catalog.ts";
import type { Source, SourceResult } from "./source.ts";
import { sizeQueries, sizesFrom } from "./table-size.ts";
import type { TableReader } from "./table-reader.ts";

/** Bounds of what is read in one turn: one page in bytes, since writers wait for it, and few statements. */
const TABLES_MAX = 100;
const TABLE_ROWS_MAX = 2_000;
const BYTES_MAX = PAGE_BYTES;

const CLOCK = "SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER)";

/** A dump of which everything is from one turn of its source. */
export interface OneTurnDump {
  bytes: Uint8Array;
  /** The source's own clock in that turn. */
  atMs: number;
}

/**
 * All of a small dump by one turn of its source, which is an instant without any snapshot. Undefined
 * where it is not small, or the catalog has another digest in that turn than the plan was made of.
 */
export async function readInOneTurn(
  source: Source,
  of: { plan: DumpPlan; encoderOf: TableEncoderOf; catalogDigest: string },
): Promise<OneTurnDump | undefined> {
  // Only the opening of a snapshot copies the key-value storage.
  if (of.plan.keyValues === "exported") return undefined;
  try {
    if (!(await isSmall(source, of.plan.tables))) return undefined;
    const reading = { ...of, sourceKind: source.kind };
    const asked = await statementsOf(reading);
    const fixed = [...CATALOG_QUERIES, CLOCK].map((sql) => ({ sql }));
    const results = await source.transaction([...fixed, ...asked]);
    const catalog = results.slice(0, CATALOG_QUERIES.length).map(({ rows }) => rows);
    if ((await digestOf(parseCatalog(catalog))) !== of.catalogDigest) return undefined;
    const keyOf = ({ sql, params }: Statement): string => JSON.stringify([sql, params]);
    const answers = new Map(asked.map((each, at) => [keyOf(each), results[fixed.length + at]]));
    const bytes = await bytesOf(reading, (statement) => {
      const result = answers.get(keyOf(statement));
      if (result === undefined) throw new TooLarge();
      return result;
    });
    return { bytes, atMs: Number(results[CATALOG_QUERIES.length]?.rows[0]?.[0]) };
  } catch (error) {
    // A value that no page can hold, for instance. What is really wrong is met again, page by page.
    if (error instanceof TooLarge) return undefined;
    if (error instanceof ExportError && error.code === "source-query-failed") return undefined;
    throw error;
  }
}

/** Something was asked for that the turn has not read: a table has grown since it was measured. */
class TooLarge extends Error {}

/** Measures at most `TABLE_ROWS_MAX` rows of each table. */
async function isSmall(source: Source, tables: readonly Table[]): Promise<boolean> {
  if (tables.length > TABLES_MAX) return false;
  if (tables.length === 0) return true;
  const queries = tables.map((table) => sizeQueries(table, { rowsMax: TABLE_ROWS_MAX + 1 }));
  const sizes = sizesFrom(queries, await source.transaction(queries.flat()));
  const bytes = sizes.reduce((sum, size) => sum + size.bytes, 0);
  return bytes <= BYTES_MAX && sizes.every(({ rows }) => rows <= TABLE_ROWS_MAX);
}

interface Reading {
  sourceKind: Source["kind"];
  plan: DumpPlan;
  encoderOf: TableEncoderOf;
}

/** What a dump asks for first of each table, and for its other texts: found by one that has no rows. */
async function statementsOf(of: Reading): Promise<Statement[]> {
  const asked: Statement[] = [];
  await bytesOf(of, (statement) => {
    asked.push(statement);
    return { columns: [], rows: [[null, 0]], rowsRead: 0, rowsWritten: 0 };
  });
  return asked;
}

/** The dump's bytes where `answer` says what the source would. */
async function bytesOf(
  of: Reading,
  answer: (statement: Statement) => SourceResult,
): Promise<Uint8Array> {
  const reader: TableReader = {
    sourceKind: of.sourceKind,
    readRows: async (table, build) => build(liveRows(table)).map(answer),
    readOther: async (statement) => answer(statement),
  };
  const firstPageRows = TABLE_ROWS_MAX + 1;
  const pieces: Uint8Array[] = [];
  for await (const piece of readDump({ ...of, reader, cursor: CURSOR_START, firstPageRows })) {
    pieces.push(concatBytes(piece.bytes));
  }
  return concatBytes(pieces);
}
