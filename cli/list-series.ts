import type { Job } from "./answers.ts";
import { oneLine } from "./format.ts";

type Retention = NonNullable<Job["retention"]>;
type KeepReason = NonNullable<Retention["keptBy"]>[number];

/** The completed exports of one series, newest first. */
export interface Series {
  source: string;
  object: Job["object"];
  series: string;
  /** The policy of the newest export, which is the one that applies. */
  policy: Retention["policy"];
  jobs: Job[];
}

/**
 * Groups completed exports, newest first, into their series: one for each database and name. `name`
 * chooses the series of this name only. Exports without a series are left out.
 */
export function groupSeries(jobs: readonly Job[], name?: string): Series[] {
  const groups = new Map<string, Series>();
  for (const job of jobs) {
    const { source, object, retention } = job;
    if (retention === null || (name !== undefined && retention.series !== name)) continue;
    const { series, policy } = retention;
    const key = JSON.stringify([source, object, series]);
    const group = groups.get(key) ?? { source, object, series, policy, jobs: [] };
    group.jobs.push(job);
    groups.set(key, group);
  }
  return [...groups.values()];
}

/** Returns a series as text: its policy, then each export with what keeps it. */
export function describeSeries({ source, object, series, policy, jobs }: Series): string {
  const named = Object.values(object ?? {}).map((value) => ` ${value}`);
  const rules = Object.entries(policy).map(([rule, count]) => `${rule} ${count}`);
  const lines = jobs.map(({ jobId, snapshotAt, createdAt, retention }) => {
    const at = (snapshotAt ?? createdAt).replace(/\.\d+Z$/, "Z");
    return `  ${jobId}  ${at}  ${describeReasons(retention?.keptBy ?? null)}`;
  });
  return [
    `${oneLine(`${source}${named.join("")}, series ${series}`)}: ${rules.join(", ")}`,
    ...lines,
  ].join("\n");
}

function describeReasons(keptBy: readonly KeepReason[] | null): string {
  if (keptBy === null) return "not yet explained";
  return keptBy.length === 0 ? "kept by no rule" : keptBy.map(describeReason).join(", ");
}

function describeReason({ rule, period, isOldest }: KeepReason): string {
  const shown = oneLine(period === undefined ? rule : `${rule} ${period}`);
  return isOldest === true ? `${shown} (oldest)` : shown;
}
