import type { SnapshotMethod } from "../api/export-request.ts";

/** How a table is kept at the snapshot's instant. */
export type HeldBy =
  /** Triggers save rows before they change. */
  | "undo"
  /** Its rows were copied when the snapshot was opened. */
  | "copy"
  /** The text of all its rows was kept as one page when the snapshot was opened. */
  | "page"
  /** It had no rows. */
  | "empty"
  /** Not at all: its rows are read as they are. */
  | "nothing";

export interface SnapshotTable {
  name: string;
  /** Part of the names of the snapshot's objects. */
  number: number;
  heldBy: HeldBy;
  /** How many of the snapshot's triggers are on the table. */
  triggers: number;
  /**
   * The last key when the snapshot was opened, as an SQL literal; null if the key is not an
   * integer.
   */
  end: string | null;
  /** Of its kept page, in bytes of text; undefined for other tables. */
  pageBytes?: number;
}

/** What a run needs to read and close a snapshot; plain data, kept with the job. */
export interface SnapshotRecord {
  snapshotId: string;
  tables: SnapshotTable[];
  /** Queries whose texts were kept, in the order of their numbers. */
  texts: string[];
  /** The limit that the triggers enforce, in bytes; undefined in records of earlier versions. */
  undoBytesMax?: number;
  /** How many triggers its logs have. Undefined in a record of an earlier version: not checked. */
  logTriggers?: number;
  /**
   * True if everything was read in one turn and is kept with the job: the source contains nothing
   * of the snapshot.
   */
  isOneTurn?: true;
}

/**
 * Returns the method that keeps the tables at one instant; null for `live`, and until the snapshot
 * is open.
 */
export function findSnapshotMethod(record: SnapshotRecord | null): SnapshotMethod {
  if (record === null) return null;
  return record.isOneTurn === true ? "one-turn" : "undo-log";
}
