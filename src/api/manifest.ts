import * as v from "valibot";

import { RequestedConsistencySchema, SnapshotMethodSchema } from "./export-request.ts";

const Count = v.pipe(v.number(), v.integer(), v.minValue(0));
const Sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));

/**
 * What an export proves. It is written once, next to the artifacts, after all of them are read
 * back. Times are ISO 8601 UTC, sizes are bytes, hashes are SHA-256 in lower-case hex.
 */
export const ManifestSchema = v.strictObject({
  version: v.literal(1),
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
  artifacts: v.array(
    v.strictObject({
      name: v.string(),
      /** The table whose rows it contains; null if it contains a whole database. */
      table: v.nullable(v.string()),
      contentType: v.string(),
      bytes: Count,
      sha256: Sha256,
      parts: v.array(v.strictObject({ number: Count, bytes: Count })),
      /** The chunks in which an artifact was written, in order and without gaps. */
      chunks: v.array(v.strictObject({ bytes: Count, sha256: Sha256, run: Count })),
    }),
  ),
  warnings: v.array(v.string()),
});

export type Manifest = v.InferOutput<typeof ManifestSchema>;
