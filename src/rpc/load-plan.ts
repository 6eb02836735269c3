import type { Compression } from "../api/export-request.ts";

/** A script as it was found: nothing of it may change while it is loaded. */
export interface ScriptRecord {
  /** Where the store has it. */
  key: string;
  etag: string;
  /** As it is stored. */
  bytes: number;
  compression: Compression;
  /** Of SQL text. */
  textBytes: number;
  statements: number;
  /**
   * The frames that the file consists of, end to end, with the bytes that each takes and the text that it contains;
   * null if they are unknown. Reading can begin at each.
   */
  frames: ScriptFrame[] | null;
}

export interface ScriptFrame {
  bytes: number;
  textBytes: number;
}

/** A table whose rows are loaded into a staging table first, because their parents may come later. */
export interface StagedTable {
  /** As the script creates it. */
  name: string;
  stageName: string;
  /** CREATE TABLE of the staging table. */
  stageSql: string;
}

/** Statements whose rows are staged, up to the first statement that needs the rows in their tables. */
export interface StagingSpan {
  /** The number of the span's first statement. */
  from: number;
  /** The number of the statement before which the rows are moved; one more than the script has if there is none. */
  to: number;
  /** Tables in the order in which they are moved: those of one group refer to one another. */
  groups: StagedTable[][];
}

/** A virtual table that the script inserts into `sqlite_schema`, as `sqlite3 .dump` does. */
export interface WrittenVirtualTable {
  name: string;
  /** Its columns, in the order of the `_content` table's columns after the first. */
  columns: string[];
  /** True if its rows come from its `_content` table; false if they are built from another table. */
  hasContent: boolean;
}

/** How a script is loaded, decided before its first statement runs. */
export interface LoadPlan {
  spans: StagingSpan[];
  virtualTables: WrittenVirtualTable[];
  /** Tables that the target has already, with the text that the script has. */
  existing: string[];
}

/** How far a script is loaded. The target contains it too, so both are in one transaction with the rows. */
export interface LoadPosition {
  textBytes: number;
  statements: number;
  lines: number;
  rows: number;
}
