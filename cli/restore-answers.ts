import * as v from "valibot";

import { JOB_STATES } from "../src/api/job-state.ts";

/** The parts of the Worker's answers about restores and uploads that this program reads; see answers.ts. */

const Count = v.optional(v.nullable(v.number()), null);

const PlaceSchema = v.looseObject({
  statement: v.optional(v.number()),
  line: v.optional(v.number()),
  table: v.optional(v.string()),
  sql: v.optional(v.string()),
  reason: v.optional(v.string()),
});

export const RestoreSchema = v.looseObject({
  kind: v.literal("restore"),
  jobId: v.string(),
  status: v.picklist(JOB_STATES),
  queuePosition: Count,
  target: v.string(),
  object: v.optional(v.nullable(v.record(v.string(), v.string())), null),
  mode: v.string(),
  createdAt: v.string(),
  startedAt: v.optional(v.nullable(v.string()), null),
  completedAt: v.optional(v.nullable(v.string()), null),
  progress: v.looseObject({
    phase: v.string(),
    percent: Count,
    textBytes: v.number(),
    textBytesTotal: Count,
    statements: v.number(),
    rows: v.number(),
    bytesPerSecond: Count,
    etaSeconds: Count,
  }),
  safetyExport: v.optional(
    v.nullable(
      v.looseObject({
        jobId: v.string(),
        status: v.string(),
        expiresAt: v.optional(v.nullable(v.string()), null),
      }),
    ),
    null,
  ),
  verification: v.looseObject({
    method: v.optional(v.nullable(v.string()), null),
    state: v.string(),
    pieces: v.optional(v.number(), 0),
    piecesTotal: Count,
  }),
  warnings: v.optional(v.array(v.string()), []),
  error: v.optional(
    v.nullable(
      v.looseObject({
        code: v.string(),
        message: v.string(),
        hint: v.optional(v.string()),
        place: v.optional(PlaceSchema),
      }),
    ),
    null,
  ),
});

export type Restore = v.InferOutput<typeof RestoreSchema>;

export const RestoreListSchema = v.looseObject({
  jobs: v.array(RestoreSchema),
  cursor: v.optional(v.nullable(v.string()), null),
});

/**
 * An upload. `storedParts` lists runs of part numbers. If a Worker does not send it, every part is uploaded again.
 */
export const UploadSchema = v.looseObject({
  fileId: v.string(),
  status: v.picklist(["uploading", "completed"]),
  partBytes: v.pipe(v.number(), v.integer(), v.minValue(1)),
  bytes: v.number(),
  storedParts: v.optional(v.array(v.looseObject({ first: v.number(), last: v.number() })), []),
});

export type Upload = v.InferOutput<typeof UploadSchema>;
