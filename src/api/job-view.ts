import * as v from "valibot";

import { CALLBACK_STATUSES } from "./callback-state.ts";
import { CopyViewSchema } from "./copies.ts";
import { RequestedConsistencySchema, SnapshotMethodSchema } from "./export-request.ts";
import { JOB_STATES } from "./job-state.ts";
import { MaskedColumnSchema } from "./masks.ts";
import { ProofSchema, VerifySchema } from "./proof.ts";
import { RetentionViewSchema } from "./retention-policy.ts";

const Count = v.pipe(v.number(), v.integer(), v.minValue(0));
const Time = v.pipe(v.string(), v.isoTimestamp());
const Percent = v.pipe(v.number(), v.minValue(0), v.maxValue(100));

const TableViewSchema = v.strictObject({
  name: v.string(),
  status: v.picklist(["pending", "running", "done"]),
  rows: Count,
  /** Of the text before compression. */
  bytes: Count,
  percent: v.nullable(Percent),
});

const ArtifactViewSchema = v.strictObject({
  name: v.string(),
  /** The table whose rows it contains; null if it contains a whole database. */
  table: v.nullable(v.string()),
  contentType: v.string(),
  bytes: Count,
  sha256: v.nullable(v.string()),
  /** True if age has sealed it for the recipients in `EXPORT_AGE_RECIPIENTS`. */
  sealed: v.boolean(),
  parts: Count,
  downloadUrl: v.string(),
});

/** A job's position in the queue, from 1; null if it is not in the queue. */
export const QueuePositionSchema = v.nullable(v.pipe(v.number(), v.integer(), v.minValue(1)));

/** An error in a job view. */
export const FailureViewSchema = v.strictObject({
  code: v.string(),
  message: v.string(),
  hint: v.string(),
});

/** The Workflow instance of a job's run. */
export const WorkflowViewSchema = v.strictObject({
  instanceId: v.nullable(v.string()),
  run: Count,
  /** The runs that the watchdog has replaced, oldest first. */
  rescues: v.array(v.strictObject({ run: Count, at: Time, reason: v.string() })),
});

/** How far a job's callback has got. */
export const CallbackViewSchema = v.strictObject({
  /** Only scheme and host, because paths and queries may contain secrets. */
  url: v.nullable(v.string()),
  /** `pending` until it is delivered or abandoned. The first attempt is made when the job has ended. */
  status: v.picklist(CALLBACK_STATUSES),
  attempts: Count,
  lastError: v.nullable(v.string()),
  nextAttemptAt: v.nullable(Time),
});

/** What a job has cost so far. */
export const UsageSchema = v.strictObject({
  rowsRead: Count,
  rowsWritten: Count,
  steps: Count,
  r2ClassAOperations: Count,
});

/** The answer of `GET /export/dump/:jobId`, and the data of a callback. */
export const JobViewSchema = v.strictObject({
  jobId: v.string(),
  status: v.picklist(JOB_STATES),
  /** 1 for the next job to start; null unless the job waits for others to end. It may be too high. */
  queuePosition: QueuePositionSchema,
  source: v.string(),
  /** The object that the request named; null if it named none. */
  object: v.nullable(
    v.union([v.strictObject({ name: v.string() }), v.strictObject({ id: v.string() })]),
  ),
  format: v.string(),
  compression: v.string(),
  /** The value of `requestedConsistency`; manifests use this name for the method. */
  consistency: v.string(),
  requestedConsistency: RequestedConsistencySchema,
  snapshotMethod: SnapshotMethodSchema,
  createdAt: Time,
  startedAt: v.nullable(Time),
  completedAt: v.nullable(Time),
  expiresAt: v.nullable(Time),
  snapshotAt: v.nullable(Time),
  /** The job's series, and what keeps its files; null if they are kept until `expiresAt`. */
  retention: v.nullable(RetentionViewSchema),
  progress: v.strictObject({
    percent: v.nullable(Percent),
    tablesDone: Count,
    tablesTotal: Count,
    rows: Count,
    bytes: Count,
    bytesPerSecond: v.nullable(v.number()),
    etaSeconds: v.nullable(v.number()),
  }),
  /** The columns whose values the request masks. */
  masked: v.array(MaskedColumnSchema),
  /** At most 500; the manifest lists all of them. Empty after the job has expired. */
  tables: v.array(TableViewSchema),
  artifacts: v.array(ArtifactViewSchema),
  /** The copies that the request asked for. */
  copies: v.array(CopyViewSchema),
  /** What the request asked for. */
  verify: VerifySchema,
  proof: ProofSchema,
  workflow: WorkflowViewSchema,
  callback: CallbackViewSchema,
  usage: UsageSchema,
  warnings: v.array(v.string()),
  error: v.nullable(FailureViewSchema),
  links: v.strictObject({
    self: v.string(),
    download: v.string(),
    manifest: v.string(),
    events: v.string(),
  }),
});

export type JobView = v.InferOutput<typeof JobViewSchema>;
export type TableView = v.InferOutput<typeof TableViewSchema>;

/** The answer of `GET /export/jobs`. */
export const JobListSchema = v.strictObject({
  jobs: v.array(JobViewSchema),
  /** For the next page; null on the last. */
  cursor: v.nullable(v.string()),
});

export type JobList = v.InferOutput<typeof JobListSchema>;
