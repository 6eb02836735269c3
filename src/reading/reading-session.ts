import type { Catalog } from "../sqlite/catalog.ts";
import type { Cursor } from "../rpc/cursor.ts";
import type { SnapshotRecord } from "../rpc/snapshot-record.ts";
import type { Source } from "../databases/source.ts";
import { afterCheck } from "../lib/after-check.ts";
import type { PlanDump, PlannedDump } from "./planned-dump.ts";
import { type DumpPiece, readDump, type ReadNotes } from "./dump-reader.ts";
import { type AheadLimits, ONE_AHEAD } from "./pages-ahead.ts";
import { isStillCatalog, readUnchangedCatalog, requireUnchangedSchema } from "./read-catalog.ts";
import { toCommittedPosition } from "./snapshot/committed-position.ts";
import { SnapshotReader } from "./snapshot/snapshot-reader.ts";
import { openLiveReader } from "./table-reader.ts";

/** A dump that has begun and can be read. */
export interface DumpToRead {
  /** The digest of the catalog from which the dump was planned. */
  catalogDigest: string;
  /** The open snapshot; null to read rows as they are. */
  record: SnapshotRecord | null;
  /** The current limit of an undo log, in bytes, for records that contain none. */
  undoBytesMax: number;
  /** Plans the dump again. An error stops the opening before the source is changed. */
  planDump: (catalog: Catalog) => ReturnType<PlanDump> | Promise<ReturnType<PlanDump>>;
  /** The plan that an earlier session made, or the beginning. Nothing is planned again if the catalog is the same. */
  planned?: PlannedDump | undefined;
}

/**
 * Reads a dump that has begun: one session per chunk of a job, or one for a whole stream. The
 * sessions of a dump together read exactly the dump of its instant if their callers follow these
 * rules:
 *
 * 1. `open` comes first. The source must have the catalog from which the dump was planned, since a
 *    cursor counts the segments of one plan.
 * 2. A session that resumes calls `commit` before it reads, with the cursor at which it resumes. A
 *    long session also calls it between pieces. The call promises that nothing before the cursor is
 *    ever read again, so the triggers stop keeping those rows. Each call of a dump has a higher
 *    checkpoint; a late one changes nothing. A caller need not wait for it: pages are requested
 *    meanwhile, and `read` returns no piece before it is done.
 * 3. `read` resumes only at a piece's cursor, or at the start.
 * 4. `requireIntact` comes after the last piece that counts, and before anybody relies on it:
 *    before a chunk is committed, and before a stream sends its last bytes. Pages name tables and
 *    columns, so the schema must be the same after them. A trigger that still exists has existed
 *    all the time.
 *
 * Without a snapshot, rows are read as they are: `commit` does nothing, and `requireIntact` checks
 * the schema.
 */
export class ReadingSession {
  readonly planned: PlannedDump;
  readonly #source: Source;
  readonly #snapshot: SnapshotReader | undefined;
  /** Names of the tables whose rows are all committed. */
  #finished: ReadonlySet<string> = new Set();
  /** The last call of `commit`. */
  #committed: Promise<void> = Promise.resolve();
  /** Fails if the source no longer has the catalog of `planned`. */
  readonly #checked: Promise<void>;

  /**
   * If the dump is already planned, `read` and `requireIntact` wait for the check of the catalog,
   * and throw its errors. Errors: `schema-changed`, those of `planDump` and the source's own.
   */
  static async open(source: Source, dump: DumpToRead): Promise<ReadingSession> {
    const { record, undoBytesMax, catalogDigest } = dump;
    const snapshot =
      record === null ? undefined : new SnapshotReader(source, record, { undoBytesMax });
    // A far database takes several requests at the same time.
    snapshot?.prepareAdvance();
    if (dump.planned !== undefined && dump.planned.catalogDigest === catalogDigest) {
      const checked = requireSameCatalog(source, dump.planned);
      return new ReadingSession(source, snapshot, { planned: dump.planned, checked });
    }
    const read = await readUnchangedCatalog(source, catalogDigest);
    const planned = { ...read, catalogDigest, ...(await dump.planDump(read.catalog)) };
    return new ReadingSession(source, snapshot, { planned, checked: Promise.resolve() });
  }

  private constructor(
    source: Source,
    snapshot: SnapshotReader | undefined,
    { planned, checked }: { planned: PlannedDump; checked: Promise<void> },
  ) {
    this.planned = planned;
    this.#source = source;
    this.#snapshot = snapshot;
    this.#checked = checked;
    // `read` and `requireIntact` throw the same error.
    checked.catch(() => {});
  }

  /**
   * Promises that nothing before `cursor` is read again. Errors: `snapshot-lost`, the source's own.
   */
  commit(cursor: Cursor, checkpoint: number): Promise<void> {
    const position = toCommittedPosition(this.planned.plan, cursor, checkpoint);
    this.#finished = position.finished;
    this.#committed = this.#snapshot?.advance(position) ?? Promise.resolve();
    // `read` throws the same error.
    this.#committed.catch(() => {});
    return this.#committed;
  }

  /**
   * Reads from `cursor` to the end of the plan; the caller stops when it has enough. `ahead` bounds
   * how far ahead pages are requested; default: one at a time. `readNotes` returns the notes of
   * earlier sessions. Errors: those of `readDump` and of `commit`, `undo-too-large`.
   */
  async *read(
    cursor: Cursor,
    ahead: AheadLimits = ONE_AHEAD,
    readNotes?: ReadNotes,
  ): AsyncGenerator<DumpPiece, void, undefined> {
    const pieces = readDump({
      ahead,
      ...(readNotes && { readNotes }),
      reader: this.#snapshot ?? openLiveReader(this.#source),
      plan: this.planned.plan,
      createEncoder: this.planned.createEncoder,
      cursor,
    });
    for await (const piece of afterCheck(this.#checked, pieces)) {
      await this.#committed;
      yield piece;
    }
  }

  /** Errors: `schema-changed`, `snapshot-lost`, the source's own. */
  async requireIntact(): Promise<void> {
    await Promise.all([
      this.#checked,
      requireUnchangedSchema(this.#source, this.planned.schema),
      this.#snapshot?.requireIntact(this.#finished),
    ]);
  }
}

/** Errors: `schema-changed`, the source's own. */
async function requireSameCatalog(source: Source, planned: PlannedDump): Promise<void> {
  if (await isStillCatalog(source, planned)) return;
  await readUnchangedCatalog(source, planned.catalogDigest);
}
