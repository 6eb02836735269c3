import * as v from "valibot";

import { ManifestCopySchema } from "./copies.ts";
import { DumpContentSchema, TablePatternsSchema } from "./export-request.ts";
import { NamedBySchema } from "./fleet-view.ts";
import { MaskedColumnSchema } from "./masks.ts";

const Count = v.pipe(v.number(), v.integer(), v.minValue(0));
const Sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));

/** A stored object: its key, size and hash. */
const FILE = { key: v.string(), bytes: Count, sha256: Sha256 };

/**
 * What a fleet proves: the packs, whose indexes list the members, and the export jobs of large members. Written once,
 * after all packs are read back.
 */
export const FleetManifestSchema = v.strictObject({
  version: v.literal(1),
  generator: v.string(),
  fleetId: v.string(),
  source: v.string(),
  namedBy: NamedBySchema,
  compression: v.string(),
  content: DumpContentSchema,
  /** Null if the request chose no tables. */
  tables: v.nullable(TablePatternsSchema),
  /** The masked columns of every dump; missing if there are none. */
  masked: v.optional(v.array(MaskedColumnSchema)),
  startedAt: v.string(),
  completedAt: v.string(),
  members: v.strictObject({
    total: Count,
    packed: Count,
    exported: Count,
    empty: Count,
    failed: Count,
  }),
  rows: Count,
  /** Sorted by name: the members of a pack sort between `first` and `last`, and before the next pack's. */
  packs: v.array(
    v.strictObject({
      number: Count,
      ...FILE,
      members: Count,
      rows: Count,
      first: v.string(),
      last: v.string(),
      index: v.strictObject(FILE),
    }),
  ),
  /** Large members, sorted by name. */
  exports: v.array(
    v.strictObject({
      member: v.string(),
      jobId: v.string(),
      /** The places of the export's own copies; missing if it has none. */
      copies: v.optional(v.array(ManifestCopySchema)),
    }),
  ),
  /** At most 10,000, sorted by name. */
  failures: v.array(v.strictObject({ member: v.string(), code: v.string(), message: v.string() })),
  warnings: v.array(v.string()),
  /** True if `manifest.json.sig` is its signature; missing if it has none. */
  signed: v.optional(v.literal(true)),
  /** The places of the copies of packs, indexes and this manifest; missing if there are none. */
  copies: v.optional(v.array(ManifestCopySchema)),
});

export type FleetManifest = v.InferOutput<typeof FleetManifestSchema>;
