import * as v from "valibot";

import { onceForEach } from "../lib/once-for-each.ts";
import { describeIssue } from "../lib/describe-issue.ts";
import { CorsOriginsSchema } from "./cors-origins.ts";
import { PageSettingSchema } from "./page-setting.ts";
import { type CallbackAllowlist, parseCallbackAllowlist } from "../notify/callback-target.ts";
import { type DestinationConfig, DestinationsSchema } from "../api/destination-config.ts";
import { ExportError } from "../api/errors.ts";
import {
  ExportScheduleSchema,
  findVerify,
  haveCollision,
  isFleetEntry,
  type ScheduledExport,
  type ScheduledFleet,
  withSeries,
} from "../api/export-schedule.ts";
import {
  CHUNK_BYTES_DEFAULT,
  CHUNK_BYTES_MAX,
  CHUNK_BYTES_MIN,
  INLINE_BYTES_DEFAULT,
  INLINE_BYTES_MAX,
  INLINE_BYTES_MIN,
  JOBS_RUNNING_DEFAULT,
  JOBS_RUNNING_MAX,
  JOBS_RUNNING_MIN,
  ONE_TURN_BYTES_DEFAULT,
  ONE_TURN_BYTES_MAX,
  PAGES_AHEAD_DEFAULT,
  PAGES_AHEAD_MAX,
  PAGES_AHEAD_MIN,
  PART_BYTES_DEFAULT,
  PART_BYTES_MAX,
  PART_BYTES_MIN,
  PROOF_ROWS_DEFAULT,
  PROOF_ROWS_MAX,
  PROOF_ROWS_MIN,
  RETENTION_HOURS_DEFAULT,
  RETENTION_HOURS_MAX,
  STALL_SECONDS_DEFAULT,
  STALL_SECONDS_MAX,
  STALL_SECONDS_MIN,
  UNDO_BYTES_DEFAULT,
  UNDO_BYTES_MAX,
  UNDO_BYTES_MIN,
} from "../api/limits.ts";
import { parseRecipients } from "../sealing/recipients.ts";
import { type RetentionPolicy, RetentionPolicySchema } from "../api/retention-policy.ts";
import { DEFAULT_SOURCES, type SourceConfig, SourcesSchema } from "../api/source-config.ts";

const QUERY_ACCESSES = ["embedded", "any", "off"] as const;

/**
 * Which databases `POST /query` may reach. `embedded`: only this Worker's own `Database`. `any`:
 * any bound class, including another project's. `off`: none.
 */
export type QueryAccess = (typeof QUERY_ACCESSES)[number];

/** A Worker's settings, checked and parsed. Sizes are in bytes. */
export interface Settings {
  sources: Record<string, SourceConfig>;
  chunkBytes: number;
  partBytes: number;
  /** How many pages an export may request at a time from a database that is far away. */
  pagesAhead: number;
  /** The size of the changed rows that a snapshot may keep in its source. */
  undoBytesMax: number;
  /**
   * The most that a snapshot job may read in one turn of its source, without triggers; 0 disables
   * this.
   */
  oneTurnBytes: number;
  /** The size that the jobs database may reach if files are stored in it. */
  inlineBytesMax: number;
  /** How long a run may be silent before the watchdog acts. */
  stallMs: number;
  /** How many jobs may run at once; more are queued. */
  jobsRunningMax: number;
  /** How many rows, index entries included, the proof of one job may write. */
  proofRowsMax: number;
  /** How long files are kept if the request does not set it. */
  retentionHours: number;
  /** The policy of series whose request states none; undefined if there is no default. */
  retention: RetentionPolicy | undefined;
  /** What the cron trigger exports. */
  schedule: (ScheduledExport | ScheduledFleet)[];
  /**
   * The URL of the API, without a trailing slash. Callbacks contain absolute links only if it is
   * set.
   */
  publicUrl: string | undefined;
  /** The hosts that callbacks may reach; undefined allows every public host. */
  callbackAllowlist: CallbackAllowlist;
  /** Which class bound as `DATABASE_DURABLE_OBJECT` answers `POST /query`. */
  query: QueryAccess;
  /**
   * `EXPORT_WEBHOOK_SECRET` as set. `readWebhookSecrets` parses it when a callback is requested or
   * sent, since an invalid secret must not stop exports without a callback.
   */
  webhookSecret: string | undefined;
  /** Where copies may go. Their secrets are read when a destination is opened. */
  destinations: Record<string, DestinationConfig>;
  /** The public keys of age for which copies are sealed; none if copies are plain. */
  ageRecipients: string[];
  /** `EXPORT_SIGNING_KEY` as set; undefined if manifests are not signed. `readSigningKey` reads it. */
  signingKey: string | undefined;
}

const integer = (min: number, max: number, byDefault: number) =>
  v.optional(
    v.pipe(
      v.union([v.string(), v.number()]),
      v.transform(Number),
      v.number(`expected a whole number from ${min} to ${max}`),
      v.integer(`expected a whole number from ${min} to ${max}`),
      v.minValue(min, `expected at least ${min}`),
      v.maxValue(max, `expected at most ${max}`),
    ),
    byDefault,
  );

/** A var whose value is JSON: as text, or as an object in the configuration file. */
const jsonVar = <const TSchema extends v.GenericSchema>(schema: TSchema) =>
  v.pipe(
    v.unknown(),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      if (typeof dataset.value !== "string") return dataset.value;
      try {
        return JSON.parse(dataset.value) as unknown;
      } catch {
        addIssue({ message: "expected JSON" });
        return NEVER;
      }
    }),
    schema,
  );

const SettingsSchema = v.object({
  EXPORT_CHUNK_BYTES: integer(CHUNK_BYTES_MIN, CHUNK_BYTES_MAX, CHUNK_BYTES_DEFAULT),
  EXPORT_PART_BYTES: integer(PART_BYTES_MIN, PART_BYTES_MAX, PART_BYTES_DEFAULT),
  EXPORT_PAGES_AHEAD: integer(PAGES_AHEAD_MIN, PAGES_AHEAD_MAX, PAGES_AHEAD_DEFAULT),
  EXPORT_UNDO_BYTES_MAX: integer(UNDO_BYTES_MIN, UNDO_BYTES_MAX, UNDO_BYTES_DEFAULT),
  EXPORT_ONE_TURN_BYTES: integer(0, ONE_TURN_BYTES_MAX, ONE_TURN_BYTES_DEFAULT),
  EXPORT_INLINE_BYTES_MAX: integer(INLINE_BYTES_MIN, INLINE_BYTES_MAX, INLINE_BYTES_DEFAULT),
  EXPORT_STALL_SECONDS: integer(STALL_SECONDS_MIN, STALL_SECONDS_MAX, STALL_SECONDS_DEFAULT),
  EXPORT_JOBS_RUNNING_MAX: integer(JOBS_RUNNING_MIN, JOBS_RUNNING_MAX, JOBS_RUNNING_DEFAULT),
  EXPORT_PROOF_ROWS_MAX: integer(PROOF_ROWS_MIN, PROOF_ROWS_MAX, PROOF_ROWS_DEFAULT),
  EXPORT_RETENTION_HOURS: integer(1, RETENTION_HOURS_MAX, RETENTION_HOURS_DEFAULT),
  EXPORT_RETENTION: v.optional(jsonVar(RetentionPolicySchema)),
  EXPORT_SOURCES: v.optional(jsonVar(SourcesSchema)),
  EXPORT_SCHEDULE: v.optional(jsonVar(ExportScheduleSchema), []),
  EXPORT_DESTINATIONS: v.optional(jsonVar(DestinationsSchema), {}),
  EXPORT_AGE_RECIPIENTS: v.optional(
    v.string("expected public keys of age, separated by spaces or commas"),
  ),
  EXPORT_SIGNING_KEY: v.optional(v.string("expected a secret: set it with `wrangler secret put`")),
  EXPORT_PUBLIC_URL: v.optional(
    v.pipe(
      v.string(),
      v.url("expected the URL of this Worker, such as https://export.example.com"),
      v.transform((text) => new URL(text).href.replace(/[?#].*$/s, "").replace(/\/+$/, "")),
    ),
  ),
  EXPORT_CORS_ORIGINS: v.optional(CorsOriginsSchema),
  EXPORT_PAGE: PageSettingSchema,
  EXPORT_QUERY: v.optional(
    v.picklist(QUERY_ACCESSES, "expected `embedded`, `any` or `off`"),
    "embedded",
  ),
  EXPORT_CALLBACK_ALLOWLIST: v.optional(v.string("expected hosts, separated by commas")),
  EXPORT_WEBHOOK_SECRET: v.optional(
    v.string("expected a secret: set it with `wrangler secret put`"),
  ),
});

/**
 * Returns the settings in `env`, with every field checked. They are parsed once per isolate: `env`
 * does not change while it runs. Errors: `configuration-invalid`, which names every invalid field
 * and never its value.
 */
export const readSettings = onceForEach(parseSettings);

function parseSettings(env: object): Settings {
  const parsed = v.safeParse(SettingsSchema, env);
  if (!parsed.success) throw misconfiguration(parsed.issues);
  for (const binding of ["EXPORT_WORKFLOW", "EXPORT_JOBS"]) {
    if (!(binding in env)) {
      throw new ExportError("configuration-invalid", `binding ${binding} is missing`);
    }
  }
  const vars = parsed.output;
  const sources = vars.EXPORT_SOURCES ?? DEFAULT_SOURCES;
  const schedule = vars.EXPORT_SCHEDULE.map((entry): ScheduledExport | ScheduledFleet => {
    const named = { ...entry, source: entry.source ?? findDefaultSource({ sources }) };
    return withSeries(named, vars.EXPORT_RETENTION);
  });
  if (haveCollision(schedule)) {
    throw new ExportError(
      "configuration-invalid",
      "EXPORT_SCHEDULE: expected one entry per source for each cron expression",
    );
  }
  if (schedule.some(({ series, retention }) => series !== undefined && retention === undefined)) {
    throw new ExportError(
      "configuration-invalid",
      "EXPORT_SCHEDULE: an entry has a series and no policy: set its retention, or EXPORT_RETENTION",
    );
  }
  const exports = schedule.filter((entry) => !isFleetEntry(entry));
  if (exports.some((entry) => findVerify(entry) === "restore") && !("EXPORT_SCRATCH" in env)) {
    throw new ExportError(
      "configuration-invalid",
      "EXPORT_SCHEDULE asks for proofs by a restore, and binding EXPORT_SCRATCH is missing",
    );
  }
  return {
    sources,
    chunkBytes: vars.EXPORT_CHUNK_BYTES,
    partBytes: vars.EXPORT_PART_BYTES,
    pagesAhead: vars.EXPORT_PAGES_AHEAD,
    undoBytesMax: vars.EXPORT_UNDO_BYTES_MAX,
    oneTurnBytes: vars.EXPORT_ONE_TURN_BYTES,
    inlineBytesMax: vars.EXPORT_INLINE_BYTES_MAX,
    stallMs: vars.EXPORT_STALL_SECONDS * 1_000,
    jobsRunningMax: vars.EXPORT_JOBS_RUNNING_MAX,
    proofRowsMax: vars.EXPORT_PROOF_ROWS_MAX,
    retentionHours: vars.EXPORT_RETENTION_HOURS,
    retention: vars.EXPORT_RETENTION,
    schedule,
    publicUrl: vars.EXPORT_PUBLIC_URL,
    callbackAllowlist: parseCallbackAllowlist(vars.EXPORT_CALLBACK_ALLOWLIST),
    query: vars.EXPORT_QUERY,
    webhookSecret: vars.EXPORT_WEBHOOK_SECRET,
    destinations: vars.EXPORT_DESTINATIONS,
    signingKey: vars.EXPORT_SIGNING_KEY,
    ageRecipients: parseRecipients(vars.EXPORT_AGE_RECIPIENTS),
  };
}

/**
 * Returns the error that names the invalid fields, but never their values, which may be secrets.
 */
export function misconfiguration(issues: readonly v.BaseIssue<unknown>[]): ExportError {
  const problems = issues.map((issue) => `${v.getDotPath(issue) ?? "?"}: ${describeIssue(issue)}`);
  return new ExportError("configuration-invalid", problems.join("; "));
}

/**
 * Returns the source for a request that names none: the only one, or `main` if there are several. A
 * source of that name may not exist.
 */
export function findDefaultSource({ sources }: Pick<Settings, "sources">): string {
  const [name, ...others] = Object.keys(sources);
  return name !== undefined && others.length === 0 ? name : "main";
}

/** Returns the configuration of a source. Errors: `source-not-found`, with the configured names. */
export function getSourceConfig({ sources }: Settings, name: string): SourceConfig {
  const source = Object.hasOwn(sources, name) ? sources[name] : undefined;
  if (source !== undefined) return source;
  throw new ExportError("source-not-found", `there is no source ${JSON.stringify(name)}`, {
    details: { sources: Object.keys(sources) },
  });
}
