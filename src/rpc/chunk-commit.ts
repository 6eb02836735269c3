import type { ArtifactState } from "./artifact-record.ts";
import type { Cursor } from "./cursor.ts";
import type { StoredPart } from "./stored-object.ts";

/** One piece of an artifact, written by one chunk, as it is added to the ledger. */
export interface ChunkPiece {
  artifactOrdinal: number;
  bytes: number;
  sha256: string;
  /** Of the piece's text, before compression; undefined if a run of an earlier version commits. */
  textBytes?: number;
  textSha256?: string;
  parts: StoredPart[];
  /** What the artifact's end must know of the piece, for formats that write rows in groups; none by default. */
  notes?: string[];
  /** A chunk never reads an artifact back. */
  state: Exclude<ArtifactState, "verified">;
}

/** What one chunk read of one table. */
export interface TableProgress {
  name: string;
  rows: number;
  /** Of text before compression. */
  bytes: number;
  done: boolean;
  /** How many U+FFFD characters replace bytes that are not UTF-8. */
  replacements: number;
}

/** Everything that one chunk changes, committed in one transaction or not at all. */
export interface ChunkCommit {
  jobId: string;
  run: number;
  /** The checkpoint from which the chunk started; the commit is refused at any other. */
  expectedCheckpoint: number;
  /** The table that names the chunk's step. */
  table: string;
  cursor: Cursor;
  /** The table of the new cursor. */
  nextTable: string;
  pieces: ChunkPiece[];
  tables: TableProgress[];
  /** Rows that belong to no listed table, such as key-value entries. */
  otherRows?: number;
  /**
   * What the reader of the dump must know about the chunk's rows; a warning that the job already
   * has is not repeated.
   */
  warnings?: string[];
  /** Bytes that were produced but not yet stored, in pieces of at most 1 MiB. */
  carry: Uint8Array[];
  usage: { rowsRead: number; rowsWritten: number; r2ClassAOperations: number };
  startedAtMs: number;
}
