import * as v from "valibot";

import { ManifestCopySchema } from "./copies.ts";
import {
  DumpContentSchema,
  RequestedConsistencySchema,
  SnapshotMethodSchema,
  TablePatternsSchema,
} from "./export-request.ts";
import { MaskedColumnSchema } from "./masks.ts";
import { ProofSchema } from "./proof.ts";

const Count = v.pipe(v.number(), v.integer(), v.minValue(0));
const Sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));

/** Fields of both versions. Times are ISO 8601 UTC, sizes bytes, hashes SHA-256 in lower-case hex. */
const COMMON = {
  /** The version that published the manifest. */
  generator: v.string(),
  jobId: v.string(),
  source: v.string(),
  /** The object that the request named; null if it named none. */
  object: v.nullable(
    v.union([v.strictObject({ name: v.string() }), v.strictObject({ id: v.string() })]),
  ),
  format: v.string(),
  compression: v.string(),
  /** `snapshotMethod`, or `live`; job views use this name for what was requested. */
  consistency: v.string(),
  /** Missing in manifests of version 0.1, as is the next field. */
  requestedConsistency: v.optional(RequestedConsistencySchema),
  snapshotMethod: v.optional(SnapshotMethodSchema),
  /** `all`, `schema` or `data`. */
  content: v.string(),
  snapshotAt: v.string(),
  completedAt: v.string(),
  tables: v.array(v.strictObject({ name: v.string(), rows: Count, bytes: Count })),
  warnings: v.array(v.string()),
  /** Missing if the job was not proved by a restore. */
  proof: v.optional(ProofSchema),
  /** The columns whose values are masked; missing if there are none. */
  masked: v.optional(v.array(MaskedColumnSchema)),
  /** True if `manifest.json.sig` is its signature; missing if it has none. */
  signed: v.optional(v.literal(true)),
  /** Missing if the export is not copied. */
  copies: v.optional(v.array(ManifestCopySchema)),
};

const ARTIFACT = {
  name: v.string(),
  /** The table whose rows it contains; null if it contains a whole database. */
  table: v.nullable(v.string()),
  contentType: v.string(),
  bytes: Count,
  sha256: Sha256,
  /** The file as it is stored and downloaded, if age has sealed it; the other fields describe the plain file. */
  sealed: v.optional(v.strictObject({ name: v.string(), bytes: Count, sha256: Sha256 })),
  parts: v.array(v.strictObject({ number: Count, bytes: Count })),
};

/** A chunk's bytes as they are stored, and the run that wrote them. */
const CHUNK = { bytes: Count, sha256: Sha256, run: Count };

const ManifestV1Schema = v.strictObject({
  version: v.literal(1),
  ...COMMON,
  artifacts: v.array(
    v.strictObject({
      ...ARTIFACT,
      /** The chunks an artifact was written in, end to end. */
      chunks: v.array(v.strictObject(CHUNK)),
    }),
  ),
});

const ManifestV2Schema = v.strictObject({
  version: v.literal(2),
  ...COMMON,
  /** The version of the encoding: the same content has the same text only in the same version. */
  encoding: Count,
  /** With the encoding, what the text depends on in addition to the content. */
  request: v.strictObject({
    /** As the header of an SQL dump names it. */
    source: v.string(),
    content: DumpContentSchema,
    /** Null if the request chose no tables. */
    tables: v.nullable(TablePatternsSchema),
  }),
  writer: v.strictObject({
    /** The version of Durable Export that wrote the artifacts, as the header of an SQL dump names it. */
    version: v.string(),
    /** The staging table in the statements of an SQL dump. */
    stage: v.string(),
  }),
  artifacts: v.array(
    v.strictObject({
      ...ARTIFACT,
      /** The chunks an artifact was written in, end to end, and the text of each before compression. */
      chunks: v.array(v.strictObject({ ...CHUNK, textBytes: Count, textSha256: Sha256 })),
    }),
  ),
});

/**
 * What an export proves: written once, next to the artifacts, after all of them are read back. Version 1 is older:
 * it lacks what a restored database is compared with.
 */
export const ManifestSchema = v.variant("version", [ManifestV1Schema, ManifestV2Schema]);

export type Manifest = v.InferOutput<typeof ManifestSchema>;
export type ManifestV2 = v.InferOutput<typeof ManifestV2Schema>;
