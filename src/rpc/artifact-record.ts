import type { StoredPart } from "./stored-object.ts";

/** How far an artifact is, and what is known about it at that stage. */
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
  /** The object exists in the store. An artifact that was put whole had no upload. */
  | { state: "stored"; uploadId: string | null; sha256: null; crc32: null }
  /**
   * The object was read back. `crc32` is unsigned, for the ZIP of several artifacts. It is null for
   * a job's only artifact, and for an artifact that an earlier version read back.
   */
  | { state: "verified"; uploadId: string | null; sha256: string; crc32: number | null };

export type ArtifactState = ArtifactProgress["state"];

/** The plain file that was sealed and then removed. */
export interface PlainFile {
  name: string;
  contentType: string;
  bytes: number;
  sha256: string;
}

/** An artifact as the ledger records it. */
export type ArtifactRecord = ArtifactProgress & {
  ordinal: number;
  name: string;
  contentType: string;
  objectKey: string;
  bytes: number;
  partCount: number;
  /** What it was before it was sealed for the recipients; null if it is plain. */
  plain: PlainFile | null;
};

/** One chunk's piece of an artifact, as the ledger records it. */
export interface LedgerPiece {
  bytes: number;
  sha256: string;
  run: number;
  /** Of the piece's text, before compression; null if an earlier version has written the piece. */
  textBytes: number | null;
  textSha256: string | null;
  parts: StoredPart[];
  /** The table of the piece's first rows; `schema` if it begins with other text. */
  table: string;
  /** The key of the row before the piece, and that of its last row; null at a table's start or end. */
  firstKey: string | null;
  lastKey: string | null;
}
