import * as v from "valibot";

import { JOB_STATES } from "./job-state.ts";
import {
  CallbackViewSchema,
  FailureViewSchema,
  QueuePositionSchema,
  UsageSchema,
  WorkflowViewSchema,
} from "./job-view.ts";
import { RestoreFromSchema, RestoreModeSchema, RestoreVerifySchema } from "./restore-request.ts";

const Count = v.pipe(v.number(), v.integer(), v.minValue(0));
const Time = v.pipe(v.string(), v.isoTimestamp());
const Percent = v.pipe(v.number(), v.minValue(0), v.maxValue(100));

/** The phases of a restore, in order. Unnecessary phases are skipped. */
export const RESTORE_PHASES = [
  "scan",
  "safety-export",
  "clear",
  "load",
  "move",
  "verify",
  "undo",
  "done",
] as const;

export type RestorePhase = (typeof RESTORE_PHASES)[number];

/**
 * The position at which a statement failed, in the error of a restore. Undefined fields do not
 * apply to the error.
 */
export const StatementPlaceSchema = v.strictObject({
  /** Counts from 1. */
  statement: v.optional(Count),
  /** Counts from 1. */
  line: v.optional(Count),
  /** Byte offset in the script's text, from 0. */
  offset: v.optional(Count),
  table: v.optional(v.string()),
  /** The statement's first 200 characters. */
  sql: v.optional(v.string()),
  /** SQLite's message. */
  reason: v.optional(v.string()),
});

/** The answer of `GET /import/dump/:jobId`, and the data of a callback. */
export const RestoreViewSchema = v.strictObject({
  kind: v.literal("restore"),
  jobId: v.string(),
  status: v.picklist(JOB_STATES),
  /** As in the view of an export. */
  queuePosition: QueuePositionSchema,
  /** The source that the restore writes into. */
  target: v.string(),
  /** The object that the request named; null if it named none. */
  object: v.nullable(
    v.union([v.strictObject({ name: v.string() }), v.strictObject({ id: v.string() })]),
  ),
  mode: RestoreModeSchema,
  from: RestoreFromSchema,
  createdAt: Time,
  startedAt: v.nullable(Time),
  completedAt: v.nullable(Time),
  progress: v.strictObject({
    phase: v.picklist(RESTORE_PHASES),
    percent: v.nullable(Percent),
    /** Bytes of SQL text loaded, and of the whole script; null until it is scanned. */
    textBytes: Count,
    textBytesTotal: v.nullable(Count),
    /** Statements loaded, including skipped ones, and of the whole script. */
    statements: Count,
    statementsTotal: v.nullable(Count),
    /** Rows that the script's statements have inserted so far. */
    rows: Count,
    bytesPerSecond: v.nullable(v.number()),
    etaSeconds: v.nullable(v.number()),
  }),
  /** The export of the target's former content; null for mode `empty`, and until it is started. */
  safetyExport: v.nullable(
    v.strictObject({ jobId: v.string(), status: v.string(), expiresAt: v.nullable(Time) }),
  ),
  verification: v.strictObject({
    /** Null until it is chosen. */
    method: v.nullable(RestoreVerifySchema),
    state: v.picklist(["pending", "running", "equal", "differs", "skipped"]),
    /** Pieces of the dump, or tables, that were compared, and their total. */
    pieces: Count,
    piecesTotal: v.nullable(Count),
    /** How many rows were compared. */
    rows: Count,
  }),
  workflow: WorkflowViewSchema,
  callback: CallbackViewSchema,
  usage: UsageSchema,
  warnings: v.array(v.string()),
  error: v.nullable(
    v.strictObject({ ...FailureViewSchema.entries, place: v.optional(StatementPlaceSchema) }),
  ),
  links: v.strictObject({ self: v.string(), events: v.string() }),
});

export type RestoreView = v.InferOutput<typeof RestoreViewSchema>;

/** The answer of `GET /import/jobs`. */
export const RestoreListSchema = v.strictObject({
  jobs: v.array(RestoreViewSchema),
  /** For the next page; null on the last. */
  cursor: v.nullable(v.string()),
});

export type RestoreList = v.InferOutput<typeof RestoreListSchema>;
