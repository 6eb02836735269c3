import { isActive, type JobState } from "../../src/api/job-state.ts";
import type { JobView } from "../../src/api/job-view.ts";
import type { SourceList } from "../../src/api/source-list.ts";
import { DAY_MS, formatAge, formatRelative, HOUR_MS } from "../format/times.ts";

/**
 * How well a database is backed up, worst first. `unusable`: it cannot be exported. `missing`: no backup can be
 * downloaded. `failing`: there is one, and the newest export failed. `late`: there is one, older than usual.
 * `waiting`: the first one is running. `target`: a writable source that nobody exports.
 */
export const HEALTHS = [
  "unusable",
  "missing",
  "failing",
  "late",
  "waiting",
  "ok",
  "target",
] as const;

export type Health = (typeof HEALTHS)[number];

/** What is backed up: a database, or the objects of a class as a fleet. */
export interface Watched {
  /** Unique. */
  key: string;
  source: string;
  /** As the page names it: `main`, `tenants / acme`. */
  label: string;
  health: Health;
  /** What is wrong, and what to do; null if nothing is. */
  trouble: { what: string; advice: string } | null;
}

/** A database, and what the loaded jobs report of it. Its key is part of the page's address. */
export interface DatabaseState extends Watched {
  object: JobView["object"];
  /** The newest export whose files exist. */
  backup: JobView | null;
  /** The newest export that has ended. */
  ended: JobView | null;
  running: JobView | null;
  /** Completed exports, oldest first, expired ones included. */
  completed: JobView[];
  /** All exports, newest first. */
  jobs: JobView[];
}

/** A backup is late if it is older than this many usual intervals, of at least a day. */
const LATE_FACTOR = 1.5;

/** The interval of a database that has too few backups to know it. */
const UNKNOWN_INTERVAL_MS = 7 * DAY_MS;

/** True if a person must act. */
export function needsAttention(health: Health): boolean {
  return HEALTHS.indexOf(health) <= HEALTHS.indexOf("late");
}

/** Returns how the page names a database. */
export function labelOf(source: string, object: JobView["object"]): string {
  if (object === null) return source;
  return `${source} / ${"name" in object ? object.name : object.id.slice(0, 8)}`;
}

/** Returns a database's key. */
export function keyOf(source: string, object: JobView["object"]): string {
  if (object === null) return encodeURIComponent(source);
  const [kind, value] = "name" in object ? ["name", object.name] : ["id", object.id];
  return [source, kind, value].map(encodeURIComponent).join("/");
}

/** True if a job's files can be downloaded now. A loaded view may be older than its expiry. */
export function isAvailable(job: Pick<Run, "status" | "expiresAt">, nowMs: number): boolean {
  return (
    job.status === "completed" && (job.expiresAt === null || Date.parse(job.expiresAt) > nowMs)
  );
}

/**
 * Returns the databases of a deployment: each configured source, or its objects that were exported, worst first and
 * then by label. `jobs` are newest first. Sources of fleets are left out, with their objects: some of a fleet's objects
 * have an export of their own, and not each time.
 */
export function listDatabases(
  sources: SourceList["sources"],
  jobs: readonly JobView[],
  nowMs: number,
  fleetSources: ReadonlySet<string> = new Set(),
): DatabaseState[] {
  const byKey = new Map<string, JobView[]>();
  for (const job of jobs) {
    if (job.object !== null && fleetSources.has(job.source)) continue;
    const key = keyOf(job.source, job.object);
    const same = byKey.get(key);
    if (same === undefined) byKey.set(key, [job]);
    else same.push(job);
  }
  const exported = new Set(jobs.map(({ source }) => source));
  for (const { name, objects } of sources) {
    if (objects === "one" || !(exported.has(name) || fleetSources.has(name))) {
      if (!byKey.has(keyOf(name, null))) byKey.set(keyOf(name, null), []);
    }
  }
  const byName = new Map(sources.map((source) => [source.name, source]));
  return [...byKey]
    .map(([key, same]) => describeDatabase(key, same, { byName, nowMs }))
    .sort(compareWatched);
}

/** Worst first, then by label. */
export function compareWatched(a: Watched, b: Watched): number {
  return HEALTHS.indexOf(a.health) - HEALTHS.indexOf(b.health) || a.label.localeCompare(b.label);
}

function describeDatabase(
  key: string,
  jobs: JobView[],
  { byName, nowMs }: { byName: Map<string, SourceList["sources"][number]>; nowMs: number },
): DatabaseState {
  const source = jobs[0]?.source ?? decodeURIComponent(key);
  const object = jobs[0]?.object ?? null;
  const facts = findFacts(jobs, nowMs);
  const config = byName.get(source);
  const verdict = judge(facts, config, nowMs);
  return { key, source, object, label: labelOf(source, object), jobs, ...facts, ...verdict };
}

/** Returns the runs that a verdict is about. `runs` are newest first. */
export function findFacts<R extends Run>(runs: readonly R[], nowMs: number) {
  return {
    backup: runs.find((run) => isAvailable(run, nowMs)) ?? null,
    ended: runs.find(({ status }) => !isActive(status) && status !== "cancelled") ?? null,
    running: runs.find(({ status }) => isActive(status)) ?? null,
    completed: runs
      .filter(({ status }) => status === "completed" || status === "expired")
      .toReversed(),
  };
}

/** What a verdict needs of an export or a fleet. */
type Run = Pick<JobView, "createdAt" | "startedAt" | "completedAt" | "expiresAt" | "error"> & {
  status: JobState;
  /** Null for a fleet, whose members have their own instants. */
  snapshotAt?: string | null;
};

/** The runs of one database or fleet: see `DatabaseState`. */
interface Facts {
  backup: Run | null;
  ended: Run | null;
  running: Run | null;
  completed: Run[];
}

type Verdict = Pick<Watched, "health" | "trouble">;

/** Returns how well something is backed up. */
export function judge(
  { backup, ended, running, completed }: Facts,
  config: SourceList["sources"][number] | undefined,
  nowMs: number,
): Verdict {
  if (config !== undefined && config.problem !== null) {
    const advice = "Correct the binding in wrangler.jsonc, and deploy again.";
    return {
      health: "unusable",
      trouble: { what: `Cannot be exported: ${config.problem}`, advice },
    };
  }
  const failed = ended?.status === "failed" ? ended : null;
  if (backup === null) {
    if (failed !== null) return judgeFailure("missing", failed, "No backup exists.", nowMs);
    if (running !== null) return { health: "waiting", trouble: null };
    const last = completed.at(-1);
    if (last !== undefined) return judgeExpiry(last, nowMs);
    if (config?.writable === true) return { health: "target", trouble: null };
    const advice = "Start an export now, and add the database to EXPORT_SCHEDULE.";
    return { health: "missing", trouble: { what: "Never backed up.", advice } };
  }
  const ageMs = nowMs - takenAtMs(backup);
  if (failed !== null) {
    const lasting = `The last good backup is ${formatAge(ageMs)} old.`;
    return judgeFailure("failing", failed, lasting, nowMs);
  }
  const usualMs = usualIntervalMs(completed);
  if (ageMs <= LATE_FACTOR * Math.max(usualMs ?? UNKNOWN_INTERVAL_MS, DAY_MS))
    return { health: "ok", trouble: null };
  const usual = usualMs === null ? "" : ` It is usually backed up every ${formatAge(usualMs)}.`;
  return {
    health: "late",
    trouble: {
      what: `The newest backup is ${formatAge(ageMs)} old.${usual}`,
      advice: "Check that the cron trigger or the CI job still runs, or start an export now.",
    },
  };
}

function judgeFailure(health: Health, failed: Run, lasting: string, nowMs: number): Verdict {
  const when = formatRelative(Date.parse(failed.completedAt ?? failed.createdAt), nowMs);
  const why = failed.error === null ? "" : `: ${failed.error.message}`;
  return {
    health,
    trouble: {
      what: `${lasting} The newest export failed ${when}${why}`,
      advice: failed.error?.hint ?? "Start another export.",
    },
  };
}

function judgeExpiry(last: Run, nowMs: number): Verdict {
  const expiredAtMs = Date.parse(last.expiresAt ?? last.createdAt);
  return {
    health: "missing",
    trouble: {
      what: `No backup exists. The last one expired ${formatRelative(expiredAtMs, nowMs)}.`,
      advice: "Start an export now, and export more often than EXPORT_RETENTION_HOURS.",
    },
  };
}

/** The instant that a backup shows. */
export function takenAtMs({
  snapshotAt,
  startedAt,
  createdAt,
}: Pick<Run, "snapshotAt" | "startedAt" | "createdAt">): number {
  return Date.parse(snapshotAt ?? startedAt ?? createdAt);
}

/** Returns the median time between the newest completed exports; null for fewer than three. */
function usualIntervalMs(completed: readonly Run[]): number | null {
  const times = completed.slice(-11).map(takenAtMs);
  if (times.length < 3) return null;
  const gaps = times.slice(1).map((time, at) => time - (times[at] ?? time));
  return Math.max(gaps.sort((a, b) => a - b)[Math.floor(gaps.length / 2)] ?? 0, HOUR_MS);
}
