import type { Job } from "./answers.ts";
import { oneLine } from "./format.ts";

type Retention = NonNullable<Job["retention"]>;
type KeepReason = NonNullable<Retention["keptBy"]>[number];

/** What a series contains: a completed export, or a fleet, which names no object. */
type Member = Pick<Job, "source" | "createdAt" | "retention"> &
  Partial<Pick<Job, "object" | "snapshotAt">>;

/** The completed exports or fleets of one series, newest first. */
export interface Series<TJob> {
  source: string;
  object: Job["object"];
  series: string;
  /** The policy of the newest one, which is the one that applies. */
  policy: Retention["policy"];
  jobs: TJob[];
}

/**
 * Groups completed exports or fleets, newest first, into their series: one for each database and name. `name`
 * chooses the series of this name only. Those without a series are left out.
 */
export function groupSeries<TJob extends Member>(
  jobs: readonly TJob[],
  name?: string,
): Series<TJob>[] {
  const groups = new Map<string, Series<TJob>>();
  for (const job of jobs) {
    const { source, object = null, retention } = job;
    if (retention === null || (name !== undefined && retention.series !== name)) continue;
    const { series, policy } = retention;
    const key = JSON.stringify([source, object, series]);
    const group = groups.get(key) ?? { source, object, series, policy, jobs: [] };
    group.jobs.push(job);
    groups.set(key, group);
  }
  return [...groups.values()];
}

/** Returns a series as text: its policy, then each of its jobs, with the id that `idOf` returns and what keeps it. */
export function describeSeries<TJob extends Member>(
  { source, object, series, policy, jobs }: Series<TJob>,
  idOf: (job: TJob) => string,
): string {
  const named = Object.values(object ?? {}).map((value) => ` ${value}`);
  const rules = Object.entries(policy).map(([rule, count]) => `${rule} ${count}`);
  const lines = jobs.map((job) => {
    const { snapshotAt, createdAt, retention } = job;
    const at = (snapshotAt ?? createdAt).replace(/\.\d+Z$/, "Z");
    return `  ${idOf(job)}  ${at}  ${describeReasons(retention?.keptBy ?? null)}`;
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
