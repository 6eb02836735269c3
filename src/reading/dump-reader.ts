import type { Table } from "../sqlite/catalog.ts";
import type { Cursor, EncoderState } from "../rpc/cursor.ts";
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
  /** What the artifact's end must know of these bytes, for formats that write rows in groups. */
  notes: string[];
}

/** Returns the notes of the pieces of an artifact that were read before, in order. */
export type ReadNotes = (artifact: number) => Promise<string[]>;

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
  /** Called if the dump resumes within an artifact of a format that writes rows in groups; default: there are none. */
  readNotes?: ReadNotes;
}

/**
 * Reads a plan's artifacts from `cursor` to the end, one page at a time. The pages that follow are
 * requested while the caller processes the last one, as far ahead as `ahead` allows, and no more
 * than that is ever held, except for a group of rows in formats that write groups. The bytes, or the
 * rows of such a format, are the same wherever it begins, and however far ahead it reads.
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
        const { readNotes } = input;
        const isResumed = after !== null && readNotes !== undefined;
        const pieces = readTable(open, isResumed ? () => readNotes(artifact) : async () => []);
        for await (const piece of pieces) {
          const cursor = piece.after === null ? next : { artifact, segment, ...piece.state };
          const { after: _, state: __, ...read } = piece;
          const ends = last && piece.after === null;
          const name = table.derived === undefined ? { table: table.name } : {};
          yield { artifact, ...name, ...read, cursor, ends };
        }
      } else {
        const { text, rowsRead } = await readText(input.reader, current);
        const bytes = text === "" ? [] : [encodeUtf8(text)];
        const none = {
          rows: 0,
          replacements: 0,
          warnings: [],
          notes: [],
          release: nothingToRelease,
        };
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

/** What a piece contains of a table, before its place in the dump is known. */
type TablePiece = Omit<DumpPiece, "artifact" | "table" | "cursor" | "ends"> & {
  /** Null with the table's last piece. */
  after: RowKey;
  state: { after: RowKey; encoderState: EncoderState };
};

async function* readTable(
  { encoder, checks, pages }: OpenTable,
  readNotes: () => Promise<string[]>,
): AsyncGenerator<TablePiece, void, undefined> {
  const written: string[] = [];
  /** What was read of rows that the encoder holds. */
  let held = { rows: 0, replacements: 0, warnings: [] as string[], rowsRead: 0 };
  for (;;) {
    const page = await pages.take();
    if (page.kind === "end") {
      const earlier = encoder.takeNotes === undefined ? [] : await readNotes();
      yield {
        ...held,
        bytes: await encoder.end([...earlier, ...written]),
        warnings: [
          ...held.warnings,
          ...checks.takeWarnings([]),
          ...(encoder.takeWarnings?.() ?? []),
        ],
        notes: encoder.takeNotes?.() ?? [],
        rowsRead: held.rowsRead + page.rowsRead,
        release: nothingToRelease,
        after: null,
        state: { after: null, encoderState: 0 },
      };
      return;
    }
    const replacementsBefore = encoder.replacements;
    const bytes = await (page.kind === "page" ? encoder.page(page.raw) : encoder.row(page.cells));
    const release = page.kind === "page" ? makeRelease(page.raw) : nothingToRelease;
    const all = {
      rows: held.rows + page.rows,
      replacements: held.replacements + encoder.replacements - replacementsBefore,
      warnings: [
        ...held.warnings,
        ...checks.takeWarnings(page.broken),
        ...(encoder.takeWarnings?.() ?? []),
      ],
      rowsRead: held.rowsRead + page.rowsRead,
    };
    if (encoder.holdsRows === true) {
      release();
      held = all;
      continue;
    }
    const notes = encoder.takeNotes?.() ?? [];
    written.push(...notes);
    held = { rows: 0, replacements: 0, warnings: [], rowsRead: 0 };
    yield {
      ...all,
      bytes,
      notes,
      release,
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
