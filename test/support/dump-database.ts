import { planDump } from "../../src/formats/plan-dump.ts";
import type { CreateEncoder } from "../../src/formats/table-encoder.ts";
import { concatBytes } from "../../src/lib/bytes.ts";
import type { Catalog } from "../../src/sqlite/catalog.ts";
import type { Cursor } from "../../src/rpc/cursor.ts";
import { ExportError } from "../../src/api/errors.ts";
import type { Masks } from "../../src/api/masks.ts";
import type {
  Compression,
  DumpContent,
  ExportFormat,
  TablePatterns,
} from "../../src/api/export-request.ts";
import { readCatalog } from "../../src/reading/read-catalog.ts";
import { readDump } from "../../src/reading/dump-reader.ts";
import type { Source } from "../../src/databases/source.ts";
import { openLiveReader, type TableReader } from "../../src/reading/table-reader.ts";

const START: Cursor = { artifact: 0, segment: 0, after: null, encoderState: 0 };

export interface WholeDump {
  bytes: Uint8Array;
  warnings: string[];
  catalog: Catalog;
}

/** Decides at which places a dump is cut; the result must not depend on it. */
export interface Cutting {
  /** If this returns true, pages report that they are too large, and are read smaller. */
  isTooBig: () => boolean;
  /** If this returns true, a new reader resumes from the stored cursor. */
  isChunkEnd: () => boolean;
  /** Pages are read as if their rows had this many bytes; undefined uses their real size. */
  rowBytes?: () => number;
  /** Makes a format's encoders, if they are not the usual ones. */
  createEncoder?: CreateEncoder;
}

export const UNCUT: Cutting = { isTooBig: () => false, isChunkEnd: () => false };

/** A file of an export, whole. */
export interface WholeFile {
  name: string;
  /** The table whose rows it contains, in formats that write one file per table. */
  table: string | undefined;
  bytes: Uint8Array;
}

export interface WholeExport {
  files: WholeFile[];
  /** How many U+FFFD characters replace bytes that are not UTF-8. */
  replacements: number;
  warnings: string[];
  catalog: Catalog;
}

/** Returns the SQL dump of all of `source`, read page by page as in an export job. */
export async function dumpDatabase(
  source: Source,
  cutting = UNCUT,
  request: { tables?: TablePatterns; content?: DumpContent } = {},
): Promise<WholeDump> {
  const { files, warnings, catalog } = await exportDatabase(source, cutting, request);
  return { bytes: files[0]?.bytes ?? new Uint8Array(), warnings, catalog };
}

/** Returns all of `source` in a format, read page by page as in an export job. */
export async function exportDatabase(
  source: Source,
  cutting = UNCUT,
  request: {
    format?: ExportFormat;
    compression?: Compression;
    tables?: TablePatterns;
    content?: DumpContent;
    mask?: Masks;
    isMasked?: boolean;
  } = {},
): Promise<WholeExport> {
  const catalog = await readCatalog(source);
  const { plan, createEncoder } = planDump(
    { source: "main", format: "sql", content: "all", ...request },
    catalog,
  );
  const reader = cutReader(openLiveReader(source), cutting);
  const cutEncoderOf: CreateEncoder = (table, state) => {
    const encoder = (cutting.createEncoder ?? createEncoder)(table, state);
    const rowSql = encoder.rowSql.bind(encoder);
    return Object.assign(encoder, {
      rowSql: (rowBytes: number) => rowSql(cutting.rowBytes?.() ?? rowBytes),
    });
  };
  const pieces = plan.artifacts.map((): Uint8Array[] => []);
  const notes = plan.artifacts.map((): string[] => []);
  const found = new Set<string>();
  let replacements = 0;
  let cursor: Cursor | null = START;
  while (cursor !== null) {
    // As a checkpoint stores it.
    const stored = JSON.parse(JSON.stringify(cursor)) as Cursor;
    cursor = null;
    const committed = notes.map((each) => [...each]);
    for await (const piece of readDump({
      reader,
      plan,
      createEncoder: cutEncoderOf,
      cursor: stored,
      readNotes: async (artifact) => committed[artifact] ?? [],
    })) {
      notes[piece.artifact]?.push(...piece.notes);
      // A page's bytes may be views of a buffer that the next page reuses.
      pieces[piece.artifact]?.push(...piece.bytes.map((bytes) => bytes.slice()));
      replacements += piece.replacements;
      for (const warning of piece.warnings) found.add(warning);
      if (cutting.isChunkEnd()) {
        cursor = piece.cursor;
        break;
      }
    }
  }
  return {
    files: plan.artifacts.map(({ name, segments }, at) => ({
      name,
      table: segments.find((segment) => segment.kind === "rows")?.table,
      bytes: concatBytes(pieces[at] ?? []),
    })),
    replacements,
    warnings: [...plan.warnings, ...found],
    catalog,
  };
}

function cutReader(reader: TableReader, cutting: Cutting): TableReader {
  return {
    longRowsPageBytes: reader.longRowsPageBytes,
    readOther: (statement) => reader.readOther(statement),
    readRows: async (table, build) => {
      // A single statement is a page; a row that is read cell by cell is never too large here.
      const isPage = table.key.length > 0 && build(() => "").length === 1;
      if (isPage && cutting.isTooBig()) {
        throw new ExportError("source-query-failed", "string or blob too big: SQLITE_TOOBIG");
      }
      return reader.readRows(table, build);
    },
  };
}

/** Cuts chosen by a small number generator, so that a seed reproduces them. */
export function randomCutting(seed: number): Cutting {
  let state = seed >>> 0;
  const next = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  const tooBig = next() * 0.9;
  const chunkEnd = next() * 0.6;
  return {
    isTooBig: () => next() < tooBig,
    isChunkEnd: () => next() < chunkEnd,
    rowBytes: () => (next() < 0.5 ? 0 : Infinity),
  };
}
