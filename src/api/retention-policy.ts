import * as v from "valibot";

/** The most completed exports that a rule keeps. */
const KEPT_MAX = 10_000;

const Count = v.optional(
  v.pipe(
    v.number(),
    v.integer(),
    v.minValue(1, "expected at least 1: leave the rule out to keep none by it"),
    v.maxValue(KEPT_MAX),
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
