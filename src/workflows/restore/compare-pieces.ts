import { ExportError } from "../../api/errors.ts";
import type { ManifestV2 } from "../../api/manifest.ts";
import { MIB } from "../../api/limits.ts";
import { makeTurnYielder } from "../../lib/yield-turn.ts";
import type { Source } from "../../databases/source.ts";
import { type Cursor, CURSOR_START } from "../../rpc/cursor.ts";
import type { PlanDump } from "../../reading/planned-dump.ts";
import { type DumpPiece, readDump } from "../../reading/dump-reader.ts";
import {
  digestCatalog,
  readCatalog,
  readUnchangedCatalog,
  requireUnchangedSchema,
} from "../../reading/read-catalog.ts";
import { openWholeReader } from "../../reading/whole-reader.ts";
import { isChunkOver } from "../export/chunk-end.ts";
import type { Difference, Locate } from "./difference.ts";
import { findMissingTable, PieceTables } from "./piece-tables.ts";
import { PieceHasher } from "./piece-hasher.ts";

/**
 * The position at which a comparison resumes. It is small, plain data that is stored with the job between steps.
 */
export interface CompareCursor {
  /** Digest of the database's catalog, which must not change; null before the first step. */
  catalogDigest: string | null;
  /** The end of a page; null before the first page. */
  reading: Cursor | null;
  /** Bytes of the second dump's text before `reading`. */
  textBytes: number;
  /** Index of the first piece that has not been compared. The piece starts at or after `reading`. */
  piece: number;
}

/** The cursor at the start of a comparison. */
export const COMPARE_START: CompareCursor = {
  catalogDigest: null,
  reading: null,
  textBytes: 0,
  piece: 0,
};

/** What one step compared. */
export interface ComparedPieces {
  /** The position at which the next step resumes; null if everything is compared, or something differs. */
  next: CompareCursor | null;
  /** How many pieces are equal. */
  pieces: number;
  /** How many rows they contain, without rows that the next step reads again. */
  rows: number;
  /** As the runtime bills them. */
  rowsRead: number;
  difference: Difference | null;
}

/** How much text is read after a differing piece to find out which table differs. */
const SEARCH_BYTES = 4 * MIB;

/**
 * Dumps a restored database again, stores nothing, and compares the text with the manifest's pieces. Compares at
 * least one piece, and as many as fit into `textBytesMax` and a minute. The second dump's pages need not end where
 * pieces end: the text between the cursor and the next piece is read again and discarded. Nobody else may write to
 * the database meanwhile, because a writer's change counts as a difference, or goes unnoticed. `planDump` must make
 * the same plan as the manifest's dump, as `planManifestDump` does. Errors: those of the source, of `readDump` and
 * of `beat`. A schema that changes between steps is a difference. So is a catalog that `planDump` refuses with
 * `table-not-found`.
 */
export async function comparePieces(
  source: Source,
  input: {
    manifest: ManifestV2;
    /** Index of an artifact, in both the manifest and the plan. */
    artifact: number;
    planDump: PlanDump;
    from: CompareCursor;
    textBytesMax: number;
    /** Finds the first statement that differs, for a message. */
    locate?: Locate;
    beat: () => Promise<void>;
  },
): Promise<ComparedPieces> {
  try {
    return await compare(source, input);
  } catch (error) {
    const code = error instanceof ExportError ? error.code : undefined;
    if (code === "schema-changed") {
      return unequal("another writer changed the schema during the comparison");
    }
    if (code === "table-not-found") {
      return unequal("the database has none of the tables of the dump");
    }
    throw error;
  }
}

function unequal(message: string, table: string | null = null): ComparedPieces {
  const difference = { table, firstKey: null, lastKey: null, message };
  return { next: null, pieces: 0, rows: 0, rowsRead: 0, difference };
}

async function compare(
  source: Source,
  input: Parameters<typeof comparePieces>[1],
): Promise<ComparedPieces> {
  const { manifest, from, planDump, textBytesMax } = input;
  const startedAtMs = Date.now();
  const catalogDigest = from.catalogDigest ?? (await digestCatalog(await readCatalog(source)));
  const { catalog, schema } = await readUnchangedCatalog(source, catalogDigest);
  const { plan, createEncoder } = planDump(catalog);
  const missing = from.catalogDigest === null ? findMissingTable(manifest, plan) : undefined;
  if (missing !== undefined) return unequal(missing.message, missing.table);

  const pieces = manifest.artifacts[input.artifact]?.chunks ?? [];
  const hasher = new PieceHasher(pieces, { piece: from.piece, position: from.textBytes });
  const start: Cursor = from.reading ?? { ...CURSOR_START, artifact: input.artifact };
  const tables = new PieceTables({ manifest, plan, start });
  // The position at which the next step can resume: the last page end at or before the start of the piece.
  let resume = { reading: start, textBytes: from.textBytes, rows: 0 };
  let page = resume;
  let rowsRead = 0;
  let compared = 0;
  let ends = false;
  const yieldTurn = makeTurnYielder();
  const reader = openWholeReader(source);
  const take = async (piece: DumpPiece): Promise<void> => {
    const before = hasher.piece;
    const wasUnequal = hasher.differs || hasher.isTooLong;
    for (const bytes of piece.bytes) hasher.push(bytes);
    rowsRead += piece.rowsRead;
    ends = piece.ends;
    if (hasher.piece > before) tables.beginPiece();
    tables.add(piece, { isInPiece: !wasUnequal && hasher.position > hasher.start });
    piece.release();
    compared += pieces.slice(before, hasher.piece).reduce((sum, each) => sum + each.textBytes, 0);
    const end = {
      reading: piece.cursor,
      textBytes: hasher.position,
      rows: page.rows + piece.rows,
    };
    if (end.textBytes <= hasher.start) resume = end;
    else if (hasher.piece > before) resume = page;
    page = end;
    await yieldTurn();
    await input.beat();
  };
  const isOver = (): boolean => {
    if (hasher.piece === from.piece || hasher.piece === pieces.length) return false;
    const nextBytes = pieces[hasher.piece]?.textBytes ?? 0;
    return compared + nextBytes > textBytesMax || isChunkOver({ startedAtMs, artifacts: 0 });
  };
  try {
    for await (const piece of readDump({ reader, plan, createEncoder, cursor: start })) {
      await take(piece);
      if (ends || isOver()) break;
      const isUnequal = hasher.differs || hasher.isTooLong;
      if (isUnequal && hasher.position >= hasher.end + SEARCH_BYTES) break;
    }
    await requireUnchangedSchema(source, schema);
    const done = { pieces: hasher.piece - from.piece, rowsRead };
    const isEqual = !hasher.differs && !hasher.isTooLong;
    if (isEqual && hasher.piece === pieces.length) {
      return { ...done, next: null, rows: page.rows, difference: null };
    }
    if (isEqual && !ends) {
      const { reading, textBytes, rows } = resume;
      const next = { catalogDigest, reading, textBytes, piece: hasher.piece };
      return { ...done, next, rows, difference: null };
    }
    const difference = await tables.describe(reader, { hasher, pieces, ends }, input.locate);
    return { ...done, next: null, rows: resume.rows, difference };
  } finally {
    await reader.close();
  }
}
