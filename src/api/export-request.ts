import * as v from "valibot";

import { COMPRESSION_NAMES } from "./compressions.ts";
import { CopyToSchema, EncryptSchema } from "./copies.ts";
import { ExportError } from "./errors.ts";
import { FORMAT_DEFAULT, FORMAT_NAMES, FORMATS } from "./formats.ts";
import { RETENTION_HOURS_MAX } from "./limits.ts";
import { MasksSchema } from "./masks.ts";
import { VerifySchema } from "./proof.ts";
import {
  findRetentionConflict,
  type RequestedRetention,
  RetentionPolicySchema,
  SeriesSchema,
} from "./retention-policy.ts";
import { ObjectIdSchema, ObjectNameSchema } from "./source-config.ts";

/** A table's name, in which `*` stands for any characters. The empty name is valid too. */
export const TablePattern = v.pipe(v.string(), v.maxLength(1_000));

/** Names of tables and views, in which `*` stands for any characters. */
export const TablePatternsSchema = v.strictObject({
  include: v.optional(v.pipe(v.array(TablePattern), v.minLength(1), v.maxLength(1_000))),
  exclude: v.optional(v.pipe(v.array(TablePattern), v.maxLength(1_000))),
});

/** Which tables and views to export; everything if neither list is given. */
export type TablePatterns = v.InferOutput<typeof TablePatternsSchema>;

/** `schema` leaves out all rows; `data` leaves out everything except the rows. */
export const DumpContentSchema = v.picklist(["all", "schema", "data"]);

export type DumpContent = v.InferOutput<typeof DumpContentSchema>;

export const CompressionSchema = v.picklist(COMPRESSION_NAMES);

export type Compression = v.InferOutput<typeof CompressionSchema>;

/** What artifacts contain: one SQL script, or the rows of one table per file. */
export const ExportFormatSchema = v.picklist(FORMAT_NAMES);

export type ExportFormat = v.InferOutput<typeof ExportFormatSchema>;

const SourceNameSchema = v.pipe(v.string(), v.minLength(1), v.maxLength(100));

/** A request's source. A request may omit it, because the deployment has a default. */
export const RequestedSourceSchema = v.optional(
  v.pipe(
    SourceNameSchema,
    v.description("A configured source. Default: the only one, or `main` if there are several."),
  ),
);

export const ConsistencySchema = v.picklist(["snapshot", "live"]);

/** What the job's request asked for. Views and manifests share this name. */
export const RequestedConsistencySchema = v.pipe(
  ConsistencySchema,
  v.description("The `consistency` that the request asked for, or the source's default."),
);

/** How a job keeps its tables to one instant; null for `live`, and until the instant is chosen. */
export const SnapshotMethodSchema = v.pipe(
  v.nullable(v.picklist(["one-turn", "undo-log"])),
  v.description(
    "How the export keeps to one instant: it read everything in one turn of the database, or an undo log " +
      "keeps what writers change. Null for `live`, and until the instant is chosen.",
  ),
);

export type SnapshotMethod = v.InferOutput<typeof SnapshotMethodSchema>;

/** Body of `POST /export/dump`; every field is optional, and unknown fields are refused. */
export const ExportRequestSchema = v.strictObject({
  source: RequestedSourceSchema,
  /**
   * Which object of the source's class, if the source lets requests choose; at most one of the two.
   */
  name: v.optional(ObjectNameSchema),
  id: v.optional(ObjectIdSchema),
  format: v.optional(ExportFormatSchema, FORMAT_DEFAULT),
  compression: v.optional(CompressionSchema, "none"),
  /** `snapshot` exports one instant; the default depends on the source. */
  consistency: v.optional(ConsistencySchema),
  tables: v.optional(TablePatternsSchema),
  content: v.optional(DumpContentSchema, "all"),
  /** What replaces the values of columns. docs/masks.md describes masks. */
  mask: v.optional(MasksSchema),
  verify: v.optional(VerifySchema),
  /**
   * The URL that receives a callback when the job ends. docs/callbacks.md lists the accepted URLs.
   */
  callbackUrl: v.optional(v.string()),
  retentionHours: v.optional(
    v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(RETENTION_HOURS_MAX)),
  ),
  /**
   * The series of the database's exports to which the policy applies; docs/copies.md describes it.
   * It excludes `retentionHours`.
   */
  series: v.optional(SeriesSchema),
  /** Which exports of the series are kept; default: `EXPORT_RETENTION`. */
  retention: v.optional(RetentionPolicySchema),
  /** The destinations of `EXPORT_DESTINATIONS` that get a copy. docs/copies.md describes copies. */
  copyTo: v.optional(CopyToSchema),
  /**
   * True if the job fails if a copy fails. By default it completes with a warning, and the copy is
   * tried again later.
   */
  copyRequired: v.optional(v.boolean()),
  /** What is sealed for the recipients in `EXPORT_AGE_RECIPIENTS`; refused if there are none. */
  encrypt: v.optional(EncryptSchema),
});

/** A request as it is sent: fields that have a default may be missing. */
export type ExportRequestInput = v.InferInput<typeof ExportRequestSchema>;

/** A request as it was accepted: fields that have a default are present. */
export type ExportRequest = v.InferOutput<typeof ExportRequestSchema>;

/** A job's request: missing values come from the source's and the deployment's defaults. */
export type JobRequest = ExportRequest & {
  source: string;
  consistency: "snapshot" | "live";
  retentionHours: number;
};

/**
 * Errors: `invalid-request` if the request asks for only the schema in a format that contains only
 * rows.
 */
export function requireRows({ content, format }: Pick<ExportRequest, "content" | "format">): void {
  if (content !== "schema" || FORMATS[format].hasSchema) return;
  const message = `a schema has no rows, and ${format} contains only rows; use "sql"`;
  throw new ExportError("invalid-request", `the request: content: ${message}`, {
    details: { issues: [{ path: "content", message }] },
  });
}

/**
 * Errors: `invalid-request` if a policy has no series, a series has no policy, or either is combined
 * with `retentionHours`.
 */
export function requireRetention(
  request: RequestedRetention,
  { policyByDefault }: { policyByDefault: boolean },
): void {
  const { series, retention } = request;
  const issue =
    findRetentionConflict(request) ??
    (retention !== undefined && series === undefined
      ? { path: "series", message: "expected the name of the series to which `retention` applies" }
      : series !== undefined && retention === undefined && !policyByDefault
        ? { path: "retention", message: "expected a policy, because EXPORT_RETENTION is not set" }
        : undefined);
  if (issue === undefined) return;
  throw new ExportError("invalid-request", `the request: ${issue.path}: ${issue.message}`, {
    details: { issues: [issue] },
  });
}

type ProofRequest = Pick<ExportRequest, "verify" | "content" | "format">;

/** Returns why a request asks for a proof of files that cannot be restored by themselves; undefined if it does not. */
export function findUnprovable({ verify, content, format }: ProofRequest): string | undefined {
  if (verify !== "restore") return undefined;
  const why = !FORMATS[format].isSqlScript
    ? `a dump in ${format} cannot be restored`
    : content === "data"
      ? "a dump of rows without their tables cannot be restored by itself"
      : undefined;
  return why && `${why}, so "verify": "restore" is not possible; use "checksum"`;
}

/** Errors: `dump-not-restorable` if the request asks for a proof of files that cannot be restored by themselves. */
export function requireProvable(request: ProofRequest): void {
  const message = findUnprovable(request);
  if (message === undefined) return;
  throw new ExportError("dump-not-restorable", `the request: verify: ${message}`, {
    details: { issues: [{ path: "verify", message }] },
  });
}

/** `Idempotency-Key` as accepted: visible ASCII. */
export const IdempotencyKeySchema = v.pipe(
  v.string(),
  v.minLength(1),
  v.maxLength(255),
  v.regex(/^[\x20-\x7e]+$/, "visible ASCII characters only"),
);
