import type { KeyRange } from "../sqlite/key-range.ts";
import type { Cursor } from "./cursor.ts";
import type { KeptTurn } from "./kept-turn.ts";
import type { SnapshotRecord } from "./snapshot-record.ts";

/** What the bytes of a dump depend on, in addition to its request and its catalog. */
export interface DumpWriter {
  /** The version of this package, which the header of an SQL dump contains. */
  version: string;
  /** The version of the encoding. */
  encoding: number;
  /** The staging table in the statements of an SQL dump. */
  stage: string;
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
  /** Computed by `digestPlan`. */
  planDigest: string;
  /** Undefined if a run of an earlier version records the plan. */
  writer?: DumpWriter;
  cursor: Cursor;
  firstTable: string;
  /** Only a run of version 0.2.0 names a key. It stores the manifest in the same folder. */
  artifacts: { name: string; contentType: string; objectKey?: string }[];
  tables: string[];
  /** The whole export, if it was read in one turn. */
  turn?: KeptTurn;
  /** Only for tables that have one. */
  keyRanges: KeyRange[];
  warnings: string[];
  /** What opening cost the source, as the runtime bills it. */
  usage: { rowsRead: number; rowsWritten: number };
}
