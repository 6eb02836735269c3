import * as v from "valibot";

import { RETENTION_HOURS_MAX } from "./limits.ts";

/** Body of `POST /export/dump`; every field is optional, unknown fields are refused. */
export const ExportRequestSchema = v.strictObject({
  source: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(100)), "main"),
  format: v.optional(v.picklist(["sql"]), "sql"),
  compression: v.optional(v.picklist(["none"]), "none"),
  consistency: v.optional(v.picklist(["live"]), "live"),
  retentionHours: v.optional(
    v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(RETENTION_HOURS_MAX)),
  ),
});

/** A request with its defaults filled in; `retentionHours` is the deployment's where not given. */
export type ExportRequest = v.InferOutput<typeof ExportRequestSchema>;

/** `Idempotency-Key` as accepted: visible ASCII. */
export const IdempotencyKeySchema = v.pipe(
  v.string(),
  v.minLength(1),
  v.maxLength(255),
  v.regex(/^[\x20-\x7e]+$/, "visible ASCII characters only"),
);
