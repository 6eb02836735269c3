import * as v from "valibot";

import { JOB_STATES } from "../src/api/job-state.ts";

/**
 * The parts of the Worker's answers that this program reads. Unknown members, and members that a Worker of another
 * version lacks, must not stop a backup.
 */

const ProgressSchema = v.looseObject({
  percent: v.optional(v.nullable(v.number()), null),
  tablesDone: v.number(),
  tablesTotal: v.number(),
  rows: v.number(),
  bytes: v.number(),
  bytesPerSecond: v.optional(v.nullable(v.number()), null),
  etaSeconds: v.optional(v.nullable(v.number()), null),
});

/** A Worker of an earlier version reports none. */
const ProofSchema = v.optional(
  v.nullable(
    v.looseObject({
      state: v.string(),
      at: v.optional(v.nullable(v.string()), null),
      seconds: v.optional(v.nullable(v.number()), null),
      rows: v.number(),
      rowsWritten: v.number(),
      pieces: v.number(),
    }),
  ),
  null,
);

export type Proof = NonNullable<v.InferOutput<typeof ProofSchema>>;

/** A Worker of an earlier version reports none. */
export const CopiesSchema = v.optional(
  v.array(
    v.looseObject({
      destination: v.string(),
      state: v.string(),
      folder: v.string(),
      bytes: v.number(),
      nextAttemptAt: v.optional(v.nullable(v.string()), null),
    }),
  ),
  [],
);

export type Copy = v.InferOutput<typeof CopiesSchema>[number];

/** Missing from a Worker of an earlier version, and from a manifest without masks. */
export const MaskedSchema = v.optional(
  v.array(v.looseObject({ table: v.string(), column: v.string(), kind: v.string() })),
  [],
);

/** Null without a series. A Worker of an earlier version reports none. */
export const RetentionSchema = v.optional(
  v.nullable(
    v.looseObject({
      series: v.string(),
      policy: v.record(v.string(), v.optional(v.number())),
      keptBy: v.optional(
        v.nullable(
          v.array(
            v.looseObject({
              rule: v.string(),
              period: v.optional(v.string()),
              isOldest: v.optional(v.boolean()),
            }),
          ),
        ),
        null,
      ),
    }),
  ),
  null,
);

export const JobSchema = v.looseObject({
  jobId: v.string(),
  status: v.picklist(JOB_STATES),
  queuePosition: v.optional(v.nullable(v.number()), null),
  source: v.string(),
  /** The object that the request named. A Worker of an earlier version does not send it. */
  object: v.optional(v.nullable(v.record(v.string(), v.string())), null),
  format: v.string(),
  compression: v.string(),
  consistency: v.string(),
  snapshotMethod: v.optional(v.nullable(v.string()), null),
  createdAt: v.string(),
  completedAt: v.optional(v.nullable(v.string()), null),
  expiresAt: v.optional(v.nullable(v.string()), null),
  snapshotAt: v.optional(v.nullable(v.string()), null),
  progress: ProgressSchema,
  verify: v.optional(v.string(), "checksum"),
  retention: RetentionSchema,
  proof: ProofSchema,
  copies: CopiesSchema,
  masked: MaskedSchema,
  warnings: v.optional(v.array(v.string()), []),
  error: v.optional(
    v.nullable(
      v.looseObject({ code: v.string(), message: v.string(), hint: v.optional(v.string()) }),
    ),
    null,
  ),
});

export type Job = v.InferOutput<typeof JobSchema>;

export const JobListSchema = v.looseObject({
  jobs: v.array(JobSchema),
  cursor: v.optional(v.nullable(v.string()), null),
});

const Sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));

const ManifestArtifactSchema = v.looseObject({
  name: v.string(),
  bytes: v.number(),
  sha256: Sha256,
  /** The stored file if age has sealed it; the other fields describe the plain one. */
  sealed: v.optional(v.looseObject({ name: v.string(), bytes: v.number(), sha256: Sha256 })),
  chunks: v.optional(v.array(v.looseObject({ bytes: v.number(), sha256: v.string() })), []),
});

export const ManifestSchema = v.looseObject({
  jobId: v.string(),
  source: v.string(),
  format: v.string(),
  compression: v.string(),
  /** The value of `snapshotMethod`, or `live`. */
  consistency: v.string(),
  requestedConsistency: v.optional(v.string()),
  snapshotMethod: v.optional(v.nullable(v.string())),
  content: v.optional(v.string(), "all"),
  signed: v.optional(v.boolean()),
  masked: MaskedSchema,
  snapshotAt: v.string(),
  tables: v.array(v.looseObject({ name: v.string(), rows: v.number(), bytes: v.number() })),
  artifacts: v.array(ManifestArtifactSchema),
  proof: ProofSchema,
  warnings: v.optional(v.array(v.string()), []),
});

export type ManifestArtifact = v.InferOutput<typeof ManifestArtifactSchema>;
export type Manifest = v.InferOutput<typeof ManifestSchema>;

/** A manifest's text as it is saved, and its parsed form. */
export interface ManifestText {
  /** Its file; missing if the Worker sent it. */
  path?: string;
  text: string;
  manifest: Manifest;
  /** Its signature, if it is known: the ZIP of the artifacts must contain the same. */
  signature?: Uint8Array<ArrayBuffer> | undefined;
}

/** The answer of `GET /export/sources`. */
export const SourcesSchema = v.looseObject({
  version: v.string(),
  /** A Worker of version 0.1 that cannot store anything without a bucket reports `none`. */
  storage: v.picklist(["r2", "inline", "none"]),
  inline: v.optional(
    v.nullable(v.looseObject({ bytesUsed: v.number(), bytesMax: v.number() })),
    null,
  ),
  /** Missing from a Worker of an earlier version. */
  proof: v.optional(
    v.looseObject({
      problem: v.optional(v.nullable(v.string()), null),
      rowsMax: v.number(),
    }),
  ),
  /** Missing from a Worker of an earlier version. */
  keys: v.optional(
    v.looseObject({
      recipients: v.number(),
      signs: v.boolean(),
      problem: v.nullable(v.string()),
    }),
  ),
  sources: v.array(
    v.looseObject({
      name: v.string(),
      type: v.string(),
      /** A Worker of an earlier version does not send it. */
      problem: v.optional(v.nullable(v.string()), null),
      /** True if a restore may write to it. A Worker of an earlier version does not send it. */
      writable: v.optional(v.boolean()),
      /** Missing from a Worker of an earlier version. */
      verify: v.optional(v.looseObject({ available: v.array(v.string()) })),
    }),
  ),
});

export type Sources = v.InferOutput<typeof SourcesSchema>;

/** The answer of `POST /export/destinations/probe`. */
export const DestinationProbesSchema = v.looseObject({
  destinations: v.array(
    v.looseObject({
      name: v.string(),
      type: v.string(),
      problem: v.nullable(v.string()),
    }),
  ),
});

export type DestinationProbes = v.InferOutput<typeof DestinationProbesSchema>;

/** RFC 9457, as the Worker sends it. */
export const ProblemSchema = v.looseObject({
  code: v.string(),
  detail: v.string(),
  hint: v.optional(v.string()),
  jobId: v.optional(v.string()),
  /** For `invalid-request`: the problem of each field. */
  issues: v.optional(v.array(v.looseObject({ path: v.string() }))),
  /** For `source-not-found`: the names of the configured sources. */
  sources: v.optional(v.array(v.string())),
});

export type Problem = v.InferOutput<typeof ProblemSchema>;
