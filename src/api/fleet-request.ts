import * as v from "valibot";

import { CopyToSchema } from "./copies.ts";
import {
  CompressionSchema,
  ConsistencySchema,
  DumpContentSchema,
  RequestedSourceSchema,
  TablePatternsSchema,
} from "./export-request.ts";
import { FleetNamesSchema } from "./fleet-names.ts";
import { RETENTION_HOURS_MAX } from "./limits.ts";
import { MasksSchema } from "./masks.ts";
import { RetentionPolicySchema, SeriesSchema } from "./retention-policy.ts";

/** Body of `POST /export/fleet`; every field is optional, and unknown fields are refused. */
export const FleetRequestSchema = v.strictObject({
  source: RequestedSourceSchema,
  names: v.optional(
    v.pipe(
      FleetNamesSchema,
      v.description(
        "The objects to back up: a list, or a registry of names. Default: the source's `names`.",
      ),
    ),
  ),
  compression: v.optional(CompressionSchema, "none"),
  /** Of objects that are too large to be read in one turn; all others show one instant anyway. */
  consistency: v.optional(ConsistencySchema),
  content: v.optional(DumpContentSchema, "all"),
  tables: v.optional(TablePatternsSchema),
  /** What replaces the values of columns, in every object. docs/masks.md describes masks. */
  mask: v.optional(MasksSchema),
  retentionHours: v.optional(
    v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(RETENTION_HOURS_MAX)),
  ),
  /**
   * The series of the source's fleets to which the policy applies; docs/copies.md describes it. It excludes
   * `retentionHours`.
   */
  series: v.optional(SeriesSchema),
  /** Which fleets of the series are kept; default: `EXPORT_RETENTION`. */
  retention: v.optional(RetentionPolicySchema),
  callbackUrl: v.optional(v.string()),
  /** The destinations of `EXPORT_DESTINATIONS` that get a copy. docs/fleets.md describes copies of fleets. */
  copyTo: v.optional(CopyToSchema),
  /**
   * True if the fleet fails if a copy fails. By default it completes with a warning, and the copy is
   * tried again later.
   */
  copyRequired: v.optional(v.boolean()),
  /** What is sealed for the recipients in `EXPORT_AGE_RECIPIENTS`; refused if there are none. */
  encrypt: v.optional(
    v.picklist(
      ["copies"],
      'expected "copies", the only files of a fleet that are sealed: the Worker reads ranges of the packs in its ' +
        'own store, and needs them plain. To seal that store too, export single objects with "encrypt": "all"',
    ),
  ),
  failIfAny: v.optional(
    v.pipe(
      v.boolean(),
      v.description("True if the fleet fails if any object cannot be backed up."),
    ),
    false,
  ),
});

/** A request as it is sent: fields that have a default may be missing. */
export type FleetRequestInput = v.InferInput<typeof FleetRequestSchema>;

/** A request as it was accepted: fields that have a default are present. */
export type FleetRequest = v.InferOutput<typeof FleetRequestSchema>;
