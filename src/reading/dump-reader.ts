import type { Table } from "../sqlite/catalog.ts";
import type { Cursor } from "../rpc/cursor.ts";
import type { RowKey } from "../sqlite/row-key.ts";
import { encodeUtf8 } from "../lib/bytes.ts";
import type { RawPage } from "../sqlite/page-query.ts";
import type { DumpPlan, Segment } from "../formats/plan.ts";
import type { CreateEncoder } from "../formats/table-encoder.ts";
import { type OpenTable, OpenTables } from "./open-tables.ts";
import type { AheadLimits } from "./pages-ahead.ts";
import type { TableReader } from "./table-reader.ts";

/** Bytes of an artifact that were read together, and where to resume after them. */
export interface DumpPiece {
  artifact: number;
  /** The table that these rows belong to; undefined for other text and derived rows. */
  table?: string;
  bytes: Uint8Array[];
  rows: number;
  /** How many U+FFFD characters replace bytes that are not UTF-8, in formats that must be UTF-8. */
  replacements: number;
  /** What the reader of the dump must know about these rows; sentences may repeat. */
  warnings: string[];
  rowsRead: number;
  /** The start of the next piece. */
  cursor: Cursor;
  /** True for the last piece of its artifact. */
  ends: boolean;
  /**
   * Frees the memory of `bytes`, which are empty then. Call it after copying them: the garbage
   * collector acts late, and takes 3 % of a job's time to free them (November 2026).
   */
  release: () => void;
}

/** A dump to read. */
export interface DumpInput {
  reader: TableReader;
  plan: DumpPlan;
  createEncoder: CreateEncoder;
  cursor: Cursor;
  /** The number of rows in a table's first page, if the caller knows more than the default. */
  firstPageRows?: (table: Table) => number;
  /** How far ahead pages are requested; default: one at a time. */
  ahead?: AheadLimits;
}

/**
 * Reads a plan's artifacts from `cursor` to the end, one page at a time. The pages that follow are
 * requested while the caller processes the last one, as far ahead as `ahead` allows, and no more
 * than that is ever held. The bytes are the same wherever it begins, and however far ahead it
 * reads.
 *
 * Errors: those of the reader, `value-not-exportable` if a row is too large even to be read cell by
 * cell, and those of `readPage`.
 */
export async function* readDump(input: DumpInput): AsyncGenerator<DumpPiece, void, undefined> {
  const tables = new OpenTables(input);
  try {
    yield* readArtifacts(input, tables);
  } finally {
    tables.close();
  }
}

async function* readArtifacts(
  input: DumpInput,
  tables: OpenTables,
): AsyncGenerator<DumpPiece, void, undefined> {
  let { artifact, segment, after, encoderState } = input.cursor;
  for (; artifact < input.plan.artifacts.length; artifact += 1) {
    const segments = input.plan.artifacts[artifact]?.segments ?? [];
    for (; segment < segments.length; segment += 1) {
      const current = segments[segment] as Segment;
      const last = segment === segments.length - 1;
      const next: Cursor = last
        ? { artifact: artifact + 1, segment: 0, after: null, encoderState: 0 }
        : { artifact, segment: segment + 1, after: null, encoderState: 0 };
      if (current.kind === "rows") {
        const open = tables.enter({ artifact, segment }, { after, encoderState });
        const { table } = open;
        for await (const piece of readTable(open)) {
          const cursor = piece.after === null ? next : { artifact, segment, ...piece.state };
          const { bytes, rows, replacements, warnings, rowsRead, release } = piece;
          const read = { bytes, rows, replacements, warnings, rowsRead, release };
          const ends = last && piece.after === null;
          const name = table.derived === undefined ? { table: table.name } : {};
          yield { artifact, ...name, ...read, cursor, ends };
        }
      } else {
        const { text, rowsRead } = await readText(input.reader, current);
        const bytes = text === "" ? [] : [encodeUtf8(text)];
        const none = { rows: 0, replacements: 0, warnings: [], release: nothingToRelease };
        yield { artifact, ...none, bytes, rowsRead, cursor: next, ends: last };
      }
      after = null;
      encoderState = 0;
    }
    segment = 0;
  }
}

async function readText(
  reader: TableReader,
  segment: Exclude<Segment, { kind: "rows" }>,
): Promise<{ text: string; rowsRead: number }> {
  if (segment.kind === "text") return { text: segment.text, rowsRead: 0 };
  const result = await reader.readOther({ sql: segment.sql, params: [] });
  return { text: String(result.rows[0]?.[0] ?? ""), rowsRead: result.rowsRead };
}

interface TablePiece {
  bytes: Uint8Array[];
  rows: number;
  replacements: number;
  warnings: string[];
  rowsRead: number;
  release: () => void;
  /** Null with the table's last piece. */
  after: RowKey;
  state: { after: RowKey; encoderState: number };
}

async function* readTable({
  encoder,
  checks,
  pages,
}: OpenTable): AsyncGenerator<TablePiece, void, undefined> {
  for (;;) {
    const page = await pages.take();
    if (page.kind === "end") {
      yield {
        bytes: encoder.end(),
        rows: 0,
        replacements: 0,
        warnings: checks.takeWarnings([]),
        rowsRead: page.rowsRead,
        release: nothingToRelease,
        after: null,
        state: { after: null, encoderState: 0 },
      };
      return;
    }
    const replacementsBefore = encoder.replacements;
    const bytes = page.kind === "page" ? encoder.page(page.raw) : encoder.row(page.cells);
    yield {
      bytes,
      rows: page.rows,
      replacements: encoder.replacements - replacementsBefore,
      warnings: checks.takeWarnings(page.broken),
      rowsRead: page.rowsRead,
      release: page.kind === "page" ? makeRelease(page.raw) : nothingToRelease,
      after: page.last,
      state: { after: page.last, encoderState: encoder.state },
    };
  }
}

function nothingToRelease(): void {}

/** Detaches the page's own buffer, which contains the pieces of its text. */
function makeRelease({ bytes }: RawPage): () => void {
  return () => void (bytes.buffer as ArrayBuffer).transfer(0);
}
