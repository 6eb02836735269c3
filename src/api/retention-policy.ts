import * as v from "valibot";

import { SERIES_KEPT_MAX } from "./limits.ts";

const Count = v.optional(
  v.pipe(
    v.number(),
    v.integer(),
    v.minValue(1, "expected at least 1: leave the rule out to keep none by it"),
    v.maxValue(SERIES_KEPT_MAX),
  ),
);

/** The rules of a policy, in the order in which an explanation lists them. */
export const RETENTION_RULES = [
  "keepLast",
  "keepDaily",
  "keepWeekly",
  "keepMonthly",
  "keepYearly",
] as const;

export type RetentionRule = (typeof RETENTION_RULES)[number];

/**
 * Which completed exports of a series are kept: the newest of each of the last days, ISO weeks,
 * months and years that have one, in UTC. An export is kept while any rule keeps it.
 */
export const RetentionPolicySchema = v.pipe(
  v.strictObject({
    keepLast: Count,
    keepDaily: Count,
    keepWeekly: Count,
    keepMonthly: Count,
    keepYearly: Count,
  }),
  v.check(
    (policy) => RETENTION_RULES.some((rule) => policy[rule] !== undefined),
    "expected at least one of keepLast, keepDaily, keepWeekly, keepMonthly and keepYearly",
  ),
);

export type RetentionPolicy = v.InferOutput<typeof RetentionPolicySchema>;

/** The name of a series: the exports of one database, or the fleets of one source, to which a policy applies. */
export const SeriesSchema = v.pipe(
  v.string(),
  v.maxLength(100),
  v.regex(
    /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/,
    "expected visible ASCII characters, with spaces only between them",
  ),
);

/**
 * What keeps an export: `newest` and the policy's rules, and `in-use` while a copy, a restore or a
 * download needs its files.
 */
export const KEEPERS = ["newest", ...RETENTION_RULES, "in-use"] as const;

/** Why an export is kept. */
export const KeepReasonSchema = v.strictObject({
  rule: v.picklist(KEEPERS),
  /** The day, ISO week, month or year whose newest export it is; missing for the other rules. */
  period: v.optional(v.string()),
  /**
   * True if it is not the newest of its period, but the oldest export of the series: the rule has
   * not yet found as many periods as it may keep. restic does the same, so that a new series keeps
   * its beginning.
   */
  isOldest: v.optional(v.literal(true)),
});

export type KeepReason = v.InferOutput<typeof KeepReasonSchema>;

/** How a view explains the retention of an export or a fleet in a series. */
export const RetentionViewSchema = v.strictObject({
  series: v.string(),
  policy: RetentionPolicySchema,
  /**
   * What kept it when the last export of its series completed; empty if nothing did, and its files
   * are deleted. Null until the job is completed.
   */
  keptBy: v.nullable(v.array(KeepReasonSchema)),
});

export type RetentionView = v.InferOutput<typeof RetentionViewSchema>;

/** What a request says about retention. */
export interface RequestedRetention {
  series?: string | undefined;
  retention?: RetentionPolicy | undefined;
  retentionHours?: number | undefined;
}

/** Returns why a request's retention contradicts itself; undefined if it does not. */
export function findRetentionConflict({
  series,
  retention,
  retentionHours,
}: RequestedRetention): { path: "retentionHours"; message: string } | undefined {
  if (retentionHours === undefined || (series ?? retention) === undefined) return undefined;
  const message = "a series is kept by its policy and not by hours; remove one of the two";
  return { path: "retentionHours", message };
}
