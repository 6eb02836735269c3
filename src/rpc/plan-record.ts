import type { KeyRange } from "../sqlite/key-range.ts";
import type { Cursor } from "./cursor.ts";
import type { KeptTurn } from "./kept-turn.ts";
import type { SnapshotRecord } from "./snapshot-record.ts";

/** What is recorded about a new plan. */
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
  cursor: Cursor;
  firstTable: string;
  artifacts: { name: string; contentType: string; objectKey: string }[];
  tables: string[];
  /** The whole export, if it was read in one turn. */
  turn?: KeptTurn;
  /** Only for tables that have one. */
  keyRanges: KeyRange[];
  warnings: string[];
  /** What opening cost the source, as the runtime bills it. */
  usage: { rowsRead: number; rowsWritten: number };
}
