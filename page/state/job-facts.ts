import type { JobState } from "../../src/api/job-state.ts";
import type { JobView } from "../../src/api/job-view.ts";
import type { KeepReason, RetentionView } from "../../src/api/retention-policy.ts";

/** Bytes of a job's files. A job whose files are gone, or do not exist yet, reports what it wrote. */
export function storedBytesOf({ artifacts, progress }: JobView): number {
  if (artifacts.length === 0) return progress.bytes;
  return artifacts.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** How long a job ran, in milliseconds; null before it has started and ended. */
export function durationOf({
  startedAt,
  completedAt,
}: Pick<JobView, "startedAt" | "completedAt">): number | null {
  if (startedAt === null || completedAt === null) return null;
  return Math.max(0, Date.parse(completedAt) - Date.parse(startedAt));
}

/** Returns what a queued job waits for: its start, or the end of others. */
export function describeWaiting({ queuePosition }: Pick<JobView, "queuePosition">): string {
  return queuePosition === null
    ? "Waits to start"
    : `Waits for other jobs: place ${queuePosition} in the queue`;
}

/** Returns, for instance, "users.email (template)" for each masked column, joined by commas. */
export function describeMasked({ masked }: Pick<JobView, "masked">): string {
  return masked.map(({ table, column, kind }) => `${table}.${column} (${kind})`).join(", ");
}

/** Returns what a request to cancel has led to: a job that ended first stays as it ended. */
export function describeEnd(what: string, status: JobState): string {
  return status === "cancelled"
    ? `${what} is cancelled.`
    : `${what} ended before it could be cancelled: it is ${status}.`;
}

/** Returns what keeps an export in its series, such as "newest, keepDaily 2026-11-29". */
export function describeKeepers({ keptBy }: Pick<RetentionView, "keptBy">): string {
  if (keptBy === null) return "decided when it completes";
  if (keptBy.length === 0) return "kept by no rule: its files are deleted";
  return keptBy.map(describeKeeper).join(", ");
}

function describeKeeper({ rule, period, isOldest }: KeepReason): string {
  const shown = period === undefined ? rule : `${rule} ${period}`;
  return isOldest === true ? `${shown} (oldest)` : shown;
}
