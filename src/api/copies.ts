import * as v from "valibot";

/** The most destinations of a deployment, and of an export. */
export const DESTINATIONS_MAX = 10;

/** The name of a destination in `EXPORT_DESTINATIONS`. */
export const DestinationNameSchema = v.pipe(
  v.string(),
  v.regex(/^[\w.-]{1,50}$/, "expected a name of letters, digits, `_`, `-` and `.`"),
);

/** `copyTo` of a request: the destinations that get a copy of the export. */
export const CopyToSchema = v.pipe(
  v.array(DestinationNameSchema),
  v.minLength(1, "expected at least one destination: leave `copyTo` out for no copies"),
  v.maxLength(DESTINATIONS_MAX),
  v.check((names) => new Set(names).size === names.length, "expected each destination once"),
);

/**
 * `encrypt` of a request: what age seals. `copies` is the default if recipients are set; `all` also
 * seals the files in the deployment's own store.
 */
export const ENCRYPTIONS = ["copies", "all"] as const;

export const EncryptSchema = v.picklist(ENCRYPTIONS);

/**
 * States of a copy and who moves it out of each:
 *
 * - `pending`: the job's run, or the instance that tries it again.
 * - `copied`: a delete or the retention of its job, if its destination says `prune`.
 * - `retrying`: the watchdog, which tries it again at `nextAttemptAt`.
 * - `failed`, `deleted`: nobody.
 */
export const COPY_STATES = ["pending", "copied", "retrying", "failed", "deleted"] as const;

export type CopyState = (typeof COPY_STATES)[number];

const Time = v.pipe(v.string(), v.isoTimestamp());

/** How far the copy at one destination is. */
export const CopyViewSchema = v.strictObject({
  destination: v.string(),
  state: v.picklist(COPY_STATES),
  /** What the keys of its objects start with, the destination's prefix included. */
  folder: v.string(),
  /** True if its files are sealed for the recipients in `EXPORT_AGE_RECIPIENTS`. */
  sealed: v.boolean(),
  /** Bytes of the files that have arrived. */
  bytes: v.pipe(v.number(), v.integer(), v.minValue(0)),
  copiedAt: v.nullable(Time),
  /** How often it has failed, why it failed last, and when it is tried again. */
  failures: v.pipe(v.number(), v.integer(), v.minValue(0)),
  error: v.nullable(v.strictObject({ code: v.string(), message: v.string(), hint: v.string() })),
  nextAttemptAt: v.nullable(Time),
});

export type CopyView = v.InferOutput<typeof CopyViewSchema>;

/** A destination to which a manifest's export is copied. A copy is whole if it contains `manifest.json`. */
export const ManifestCopySchema = v.strictObject({
  destination: v.string(),
  folder: v.string(),
  /** True if age sealed each file of it, with `.age` after its name, except the manifest. */
  sealed: v.boolean(),
});

/** A copy as it was requested. */
export type ManifestCopy = v.InferOutput<typeof ManifestCopySchema>;
