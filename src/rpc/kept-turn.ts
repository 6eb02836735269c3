import type { Catalog } from "../sqlite/catalog.ts";
import type { Cursor } from "./cursor.ts";

/** One piece of a dump that was read in one turn, without its bytes. */
export interface KeptPiece {
  artifact: number;
  table?: string;
  rows: number;
  replacements: number;
  /** Undefined in pieces that an earlier version kept. */
  warnings?: string[];
  /** Undefined if there are none. */
  notes?: string[];
  /** The start of the next piece. */
  cursor: Cursor;
  ends: boolean;
  byteLength: number;
}

/**
 * A small dump that was read in one turn of its source. It is kept with the job's plan until the
 * job ends. Every chunk comes from these bytes, and the source is not read again.
 */
export interface KeptTurn {
  catalog: Catalog;
  pieces: KeptPiece[];
  /** All pieces, in order and without gaps. */
  bytes: Uint8Array;
}
