import * as v from "valibot";

import { RETENTION_HOURS_MAX } from "./limits.ts";
import { ObjectIdSchema, ObjectNameSchema } from "./source-config.ts";

const JobId = v.pipe(v.string(), v.uuid(), v.toLowerCase());

/** SHA-256 in hex digits. */
export const Sha256Schema = v.pipe(
  v.string(),
  v.regex(/^[0-9a-f]{64}$/i, "expected the 64 hex digits of a SHA-256"),
  v.toLowerCase(),
);

/** The origin of a restore's script. */
export const RestoreFromSchema = v.union([
  v.strictObject({
    jobId: v.pipe(JobId, v.description("A completed SQL export job of this deployment.")),
  }),
  v.pipe(
    v.strictObject({
      fleetId: v.pipe(JobId, v.description("A completed fleet of this deployment.")),
      name: v.optional(v.pipe(ObjectNameSchema, v.description("The member to restore."))),
      id: v.optional(ObjectIdSchema),
    }),
    v.check(
      ({ name, id }) => (name === undefined) !== (id === undefined),
      "expected `name` or `id` of the member to restore",
    ),
  ),
  v.strictObject({ fileId: v.pipe(JobId, v.description("A completed upload.")) }),
  v.strictObject({
    object: v.pipe(
      v.string(),
      v.minLength(1),
      v.maxLength(1_024),
      v.description("The key of an object in EXPORT_R2_BUCKET."),
    ),
    sha256: v.optional(
      v.pipe(Sha256Schema, v.description("The hash that the object must have, as it is stored.")),
    ),
  }),
]);

export type RestoreFrom = v.InferOutput<typeof RestoreFromSchema>;

export const RestoreModeSchema = v.picklist(["empty", "replace"]);

/** How a restore is verified: every byte of a second dump, the number of rows of each table, or not at all. */
export const RestoreVerifySchema = v.picklist(["digest", "counts", "none"]);

export type RestoreVerify = v.InferOutput<typeof RestoreVerifySchema>;

/** Body of `POST /import/dump`; unknown fields are refused. */
export const RestoreRequestSchema = v.strictObject({
  from: RestoreFromSchema,
  target: v.optional(
    v.pipe(
      v.string(),
      v.minLength(1),
      v.maxLength(100),
      v.description(
        'A configured source with `"writable": true`. Default: the only source, or `main` if there are several.',
      ),
    ),
  ),
  /** Which object of the target's class, if it has several; at most one of the two. */
  name: v.optional(ObjectNameSchema),
  id: v.optional(ObjectIdSchema),
  mode: v.optional(
    v.pipe(
      RestoreModeSchema,
      v.description(
        "`empty` requires a target without tables. `replace` exports the target first, then deletes everything in it.",
      ),
    ),
    "empty",
  ),
  verify: v.optional(
    v.pipe(
      RestoreVerifySchema,
      v.description(
        "Default: `digest` if the script has a manifest of this project, else `counts`.",
      ),
    ),
  ),
  undoOnFailure: v.optional(
    v.pipe(
      v.boolean(),
      v.description("`replace` only: restores the safety export if the restore fails."),
    ),
    false,
  ),
  callbackUrl: v.optional(v.string()),
  /** How long the safety export is kept; at least a week. */
  retentionHours: v.optional(
    v.pipe(v.number(), v.integer(), v.minValue(168), v.maxValue(RETENTION_HOURS_MAX)),
  ),
});

/** A request as it is sent: fields that have a default may be missing. */
export type RestoreRequestInput = v.InferInput<typeof RestoreRequestSchema>;

/** A request as it was accepted: fields that have a default are present. */
export type RestoreRequest = v.InferOutput<typeof RestoreRequestSchema>;
