import * as v from "valibot";

import { RETENTION_HOURS_MAX } from "./limits.ts";

/** Table names and `*` patterns; a table may be as long a name as a statement allows. */
const Pattern = v.pipe(v.string(), v.minLength(1), v.maxLength(1_000));
const Patterns = v.pipe(v.array(Pattern), v.maxLength(1_000));

/** Body of `POST /export/dump`; every field is optional, unknown fields are refused. */
export const ExportRequestSchema = v.strictObject({
  source: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(100)), "main"),
  format: v.optional(v.picklist(["sql"]), "sql"),
  compression: v.optional(v.picklist(["none"]), "none"),
  consistency: v.optional(v.picklist(["live"]), "live"),
  tables: v.optional(
    v.strictObject({ include: v.optional(Patterns), exclude: v.optional(Patterns) }),
  ),
  content: v.optional(v.picklist(["all", "schema", "data"]), "all"),
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
