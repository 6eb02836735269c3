import type { Compression } from "../api/export-request.ts";
import type { ScriptPlace } from "../sqlite/statement-splitter.ts";

export type { ScriptPlace };

/** A stored script as the scan found it. It must not change while it is loaded. */
export interface ScriptRecord {
  /** Its key in the store. */
  key: string;
  /** Its first byte in the object; missing if it is the whole object. */
  offset?: number;
  etag: string;
  /** As it is stored. */
  bytes: number;
  compression: Compression;
  /** Of SQL text. */
  textBytes: number;
  statements: number;
  lines: number;
  /** The place of its export's manifest; null if it has none. */
  manifestKey: string | null;
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
  /** In lower case. */
  name: string;
  /** The number of the first statement whose rows are staged: it creates the staging table. */
  first: number;
  stageName: string;
  /** CREATE TABLE of the staging table. */
  stageSql: string;
}

/** Rows that are staged, and when they go into their tables. */
export interface RowMove {
  /** No row before this statement is staged. */
  from: number;
  /** The number of the statement after which the rows are moved. */
  after: number;
  /** True if the tables refer to themselves or to one another: their rows are moved together. */
  isCyclic: boolean;
  tables: StagedTable[];
}

/** A virtual table that the script inserts into `sqlite_schema`, as `sqlite3 .dump` does. */
export interface WrittenVirtualTable {
  name: string;
  columns: string[];
  /** Names of its internal tables, in lower case. */
  shadows: string[];
  /** What its rows are built from; null if the script contains them in its `_content` table. */
  external: ExternalRows | null;
}

/** The rows of another table or view, which a search index is built over. */
export interface ExternalRows {
  content: string;
  /** The column of `content` that contains the ids of the index. */
  rowid: string;
  /** A table of the restore that collects the indexed ids; null if all rows are indexed. */
  idsName: string | null;
}

/** How a script is loaded, decided before its first statement runs. */
export interface LoadPlan {
  /** By `after`. */
  moves: RowMove[];
  virtualTables: WrittenVirtualTable[];
  /** Tables that the target has already, with the text that the script has; in lower case. */
  existing: string[];
  /**
   * Those of `existing` that the script creates, in its order, each with the table that the script creates before it
   * (null for its first); in lower case.
   */
  places: { name: string; after: string | null }[];
  /**
   * The place after which no statement writes a row. After it, triggers are created and counters of
   * AUTOINCREMENT are set only when everything else is done; null if there are none.
   */
  late: { from: ScriptPlace; number: number } | null;
  /** False if the script has no AUTOINCREMENT: what it writes into `sqlite_sequence` is left out. */
  hasSequences: boolean;
}

/** How far a script is loaded. The target contains it too, so both are in one transaction with the rows. */
export interface LoadPosition extends ScriptPlace {
  /** 1 for everything but what is late, 2 for that, 3 after everything. */
  pass: number;
  rows: number;
  /** How many moves are done. */
  moves: number;
}

/** The position before the first statement. */
export const LOAD_START: LoadPosition = {
  pass: 1,
  textBytes: 0,
  statements: 0,
  lines: 0,
  rows: 0,
  moves: 0,
};
