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

/** How far an artifact is, and what is known of it then. */
export type ArtifactProgress =
  /**
   * - `pending`: nothing is stored yet.
   * - `wants-upload`: a full part waits in the carry for a multipart upload to be opened.
   */
  | { state: "pending" | "wants-upload"; uploadId: null; sha256: null; crc32: null }
  /**
   * - `uploading`: parts go into `uploadId`.
   * - `written`: every part is uploaded, and the upload must be completed.
   */
  | { state: "uploading" | "written"; uploadId: string; sha256: null; crc32: null }
  /** The object is there. An artifact that was put whole had no upload. */
  | { state: "stored"; uploadId: string | null; sha256: null; crc32: null }
  /**
   * The object was read back. `crc32` is unsigned, for the ZIP of several artifacts; null of a job's only
   * artifact, and of one that an earlier version has read back.
   */
  | { state: "verified"; uploadId: string | null; sha256: string; crc32: number | null };

export type ArtifactState = ArtifactProgress["state"];

/** An artifact as the ledger has it. */
export type ArtifactRecord = ArtifactProgress & {
  ordinal: number;
  name: string;
  contentType: string;
  objectKey: string;
  bytes: number;
  partCount: number;
};

/** What the Workflow does next; made from recorded values alone, so that a replay repeats it. */
export type NextAction =
  | { do: "open-artifact"; ordinal: number; artifact: string }
  | { do: "export"; checkpoint: number; table: string; chunk: number }
  | { do: "complete-artifact"; ordinal: number; artifact: string }
  /** Everything is stored; `artifact` is the first to be verified. */
  | { do: "finish"; artifact: string };

/** One piece of an artifact, written by one chunk, as it is added to the ledger. */
export interface ChunkPiece {
  artifactOrdinal: number;
  bytes: number;
  sha256: string;
  parts: StoredPart[];
  /** A chunk reads nothing back. */
  state: Exclude<ArtifactState, "verified">;
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
  /** The checkpoint that the chunk started from; at another one the commit is refused. */
  expectedCheckpoint: number;
  /** The table that names the chunk's step. */
  table: string;
  cursor: Cursor;
  /** The table of the new cursor. */
  nextTable: string;
  pieces: ChunkPiece[];
  tables: TableProgress[];
  /** Rows of no listed table, such as key-value entries. */
  otherRows?: number;
  /** What the reader of the dump must know of the chunk's rows; a warning that the job has is not repeated. */
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
  /** The artifact of the cursor; undefined when everything is read. */
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
