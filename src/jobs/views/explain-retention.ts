import {
  type KeepReason,
  RETENTION_RULES,
  type RetentionPolicy,
  type RetentionRule,
} from "../../api/retention-policy.ts";

/** A completed export of a series. */
export interface CompletedExport {
  jobId: string;
  /** The instant that it shows, in milliseconds. */
  snapshotAtMs: number;
}

/** An export and what keeps it. */
export interface RetentionVerdict {
  jobId: string;
  /** Empty if nothing keeps it: it may be deleted. */
  reasons: KeepReason[];
}

const DAY_MS = 86_400_000;

/** The name of the period in which a time is, in UTC; every time is a period of its own for `keepLast`. */
const PERIODS: Record<RetentionRule, ((ms: number) => string) | undefined> = {
  keepLast: undefined,
  keepDaily: (ms) => toDay(ms),
  keepWeekly: toIsoWeek,
  keepMonthly: (ms) => toDay(ms).slice(0, -3),
  keepYearly: (ms) => toDay(ms).slice(0, -6),
};

/**
 * Returns what a policy keeps of a series and why, newest first, by the rules of restic's `forget`.
 * Exports of the same instant are ordered by their ids. Times are UTC: a day has 24 hours.
 */
export function explainRetention(
  policy: RetentionPolicy,
  completed: readonly CompletedExport[],
): RetentionVerdict[] {
  const newestFirst = completed.toSorted(
    (a, b) => b.snapshotAtMs - a.snapshotAtMs || (a.jobId < b.jobId ? 1 : -1),
  );
  const verdicts = newestFirst.map(({ jobId }, at): RetentionVerdict => ({
    jobId,
    reasons: at === 0 ? [{ rule: "newest" }] : [],
  }));
  for (const rule of RETENTION_RULES) {
    for (const [at, reason] of applyRule(rule, policy[rule] ?? 0, newestFirst)) {
      verdicts[at]?.reasons.push(reason);
    }
  }
  return verdicts;
}

/** Returns what one rule keeps, by position. */
function applyRule(
  rule: RetentionRule,
  count: number,
  newestFirst: readonly CompletedExport[],
): [at: number, reason: KeepReason][] {
  const kept: [at: number, reason: KeepReason][] = [];
  const toPeriod = PERIODS[rule];
  let last: string | undefined;
  for (const [at, { snapshotAtMs }] of newestFirst.entries()) {
    if (kept.length === count) break;
    const period = toPeriod?.(snapshotAtMs);
    const isNew = period === undefined || period !== last;
    const isOldest = at === newestFirst.length - 1;
    if (!isNew && !isOldest) continue;
    last = period;
    kept.push([
      at,
      {
        rule,
        ...(period === undefined ? {} : { period }),
        ...(isNew ? {} : { isOldest: true as const }),
      },
    ]);
  }
  return kept;
}

/** Returns a day such as `2026-11-28`. */
function toDay(ms: number): string {
  return new Date(ms).toISOString().replace(/T.*/, "");
}

/** Returns an ISO 8601 week such as `2026-W48`. A week belongs to the year of its Thursday. */
function toIsoWeek(ms: number): string {
  const day = Math.floor(ms / DAY_MS);
  // 1970-01-01 was a Thursday.
  const sinceMonday = (((day + 3) % 7) + 7) % 7;
  const thursday = new Date((day - sinceMonday + 3) * DAY_MS);
  const year = thursday.getUTCFullYear();
  const dayOfYear = (thursday.getTime() - Date.UTC(year, 0, 1)) / DAY_MS;
  return `${year}-W${String(Math.floor(dayOfYear / 7) + 1).padStart(2, "0")}`;
}
