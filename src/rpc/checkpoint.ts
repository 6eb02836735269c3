import type { KeyRange } from "../sqlite/key-range.ts";
import type { Cursor } from "./cursor.ts";
import type { KeptTurn } from "./kept-turn.ts";
import type { SnapshotRecord } from "./snapshot-record.ts";

/** A part as the store has it. */
export interface StoredPart {
  /** From 1. */
  number: number;
  bytes: number;
  /** Opaque; differs between two uploads of the same bytes. */
  etag: string;
}

/**
 * - `pending`: nothing stored yet.
 * - `wants-upload`: a full part waits in the carry for a multipart upload to be opened.
 * - `uploading`: parts go into `uploadId`.
 * - `written`: every part is uploaded, the upload is to be completed.
 * - `stored`: the object is there; `verified`: it has been read back.
 */
export type ArtifactState =
  | "pending"
  | "wants-upload"
  | "uploading"
  | "written"
  | "stored"
  | "verified";

export interface ArtifactRecord {
  ordinal: number;
  name: string;
  contentType: string;
  objectKey: string;
  state: ArtifactState;
  uploadId: string | null;
  bytes: number;
  partCount: number;
  sha256: string | null;
  /** Unsigned; of an artifact that is one of several, for their ZIP. */
  crc32: number | null;
}

/** What the Workflow does next; made from recorded values alone, so that a replay repeats it. */
export type NextAction =
  | { do: "open-artifact"; ordinal: number; artifact: string }
  | { do: "export"; checkpoint: number; table: string; chunk: number }
  | { do: "complete-artifact"; ordinal: number; artifact: string }
  /** Everything is stored; `artifact` is the first to be verified. */
  | { do: "finish"; artifact: string };

/** What one piece of an artifact, written by one chunk, adds to the ledger. */
export interface ChunkPiece {
  artifactOrdinal: number;
  bytes: number;
  sha256: string;
  parts: StoredPart[];
  state: ArtifactState;
}

/** What one chunk read of one table. */
export interface TableProgress {
  name: string;
  rows: number;
  /** Of text before compression. */
  bytes: number;
  done: boolean;
  /** How many U+FFFD stand for bytes that are no UTF-8. */
  replacements: number;
}

/** Everything that one chunk changes, committed in one transaction or not at all. */
export interface ChunkCommit {
  jobId: string;
  run: number;
  /** The checkpoint the chunk started from; another one makes the commit void. */
  expectedCheckpoint: number;
  /** The table that names the chunk's step. */
  table: string;
  cursor: Cursor;
  /** The table in which the cursor now stands. */
  nextTable: string;
  pieces: ChunkPiece[];
  tables: TableProgress[];
  /** Rows of no listed table, such as key-value entries. */
  otherRows?: number;
  /** What the reader of the dump has to know of the chunk's rows; what the job has already is added once. */
  warnings?: string[];
  /** Bytes produced and not yet stored, in pieces of at most 1 MiB. */
  carry: Uint8Array[];
  usage: { rowsRead: number; rowsWritten: number; r2ClassAOperations: number };
  startedAtMs: number;
}

/** What a run needs to resume: the newest checkpoint, as plain data. */
export interface Checkpoint {
  number: number;
  cursor: Cursor;
  /** The artifact the cursor stands in; undefined when all is read. */
  artifact: ArtifactRecord | undefined;
  /** Bytes produced and not yet stored. */
  carry: Uint8Array[];
  /** Bytes of all artifacts so far, carry included. */
  bytes: number;
  next: NextAction;
}

/** What a plan records when it is made. */
export interface PlanRecord {
  jobId: string;
  run: number;
  snapshotId: string;
  snapshotAtMs: number;
  /** Null if rows are read as they are. */
  snapshot: SnapshotRecord | null;
  catalogDigest: string;
  /** As `digestPlan` makes it. */
  planDigest: string;
  cursor: Cursor;
  firstTable: string;
  artifacts: { name: string; contentType: string; objectKey: string }[];
  tables: string[];
  /** The whole export, if it was read in one turn. */
  turn?: KeptTurn;
  /** Of the tables that have one. */
  keyRanges: KeyRange[];
  warnings: string[];
  /** What opening has cost the source, as the runtime bills it. */
  usage: { rowsRead: number; rowsWritten: number };
}

/** One chunk's piece of an artifact, as the ledger has it. */
export interface LedgerPiece {
  bytes: number;
  sha256: string;
  run: number;
  parts: StoredPart[];
}
