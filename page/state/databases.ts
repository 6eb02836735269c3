import { isActive } from "../../src/api/job-state.ts";
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

/** A database, and what the loaded jobs report of it. */
export interface DatabaseState {
  /** Unique, and part of the page's address. */
  key: string;
  source: string;
  object: JobView["object"];
  /** As the page names it: `main`, `tenants / acme`. */
  label: string;
  health: Health;
  /** What is wrong, and what to do; null if nothing is. */
  trouble: { what: string; advice: string } | null;
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
export function isAvailable(job: JobView, nowMs: number): boolean {
  return (
    job.status === "completed" && (job.expiresAt === null || Date.parse(job.expiresAt) > nowMs)
  );
}

/**
 * Returns the databases of a deployment: each configured source, or its objects that were exported, worst first and
 * then by label. `jobs` are newest first.
 */
export function listDatabases(
  sources: SourceList["sources"],
  jobs: readonly JobView[],
  nowMs: number,
): DatabaseState[] {
  const byKey = new Map<string, JobView[]>();
  for (const job of jobs) {
    const key = keyOf(job.source, job.object);
    const same = byKey.get(key);
    if (same === undefined) byKey.set(key, [job]);
    else same.push(job);
  }
  const exported = new Set(jobs.map(({ source }) => source));
  for (const { name, objects } of sources) {
    if (objects === "one" || !exported.has(name)) {
      if (!byKey.has(keyOf(name, null))) byKey.set(keyOf(name, null), []);
    }
  }
  const byName = new Map(sources.map((source) => [source.name, source]));
  return [...byKey]
    .map(([key, same]) => describeDatabase(key, same, { byName, nowMs }))
    .sort(
      (a, b) =>
        HEALTHS.indexOf(a.health) - HEALTHS.indexOf(b.health) || a.label.localeCompare(b.label),
    );
}

function describeDatabase(
  key: string,
  jobs: JobView[],
  { byName, nowMs }: { byName: Map<string, SourceList["sources"][number]>; nowMs: number },
): DatabaseState {
  const source = jobs[0]?.source ?? decodeURIComponent(key);
  const object = jobs[0]?.object ?? null;
  const facts = {
    backup: jobs.find((job) => isAvailable(job, nowMs)) ?? null,
    ended: jobs.find(({ status }) => !isActive(status) && status !== "cancelled") ?? null,
    running: jobs.find(({ status }) => isActive(status)) ?? null,
    completed: jobs
      .filter(({ status }) => status === "completed" || status === "expired")
      .reverse(),
  };
  const config = byName.get(source);
  const verdict = judge(facts, config, nowMs);
  return { key, source, object, label: labelOf(source, object), jobs, ...facts, ...verdict };
}

type Facts = Pick<DatabaseState, "backup" | "ended" | "running" | "completed">;
type Verdict = Pick<DatabaseState, "health" | "trouble">;

function judge(
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

function judgeFailure(health: Health, failed: JobView, lasting: string, nowMs: number): Verdict {
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

function judgeExpiry(last: JobView, nowMs: number): Verdict {
  const expiredAtMs = Date.parse(last.expiresAt ?? last.createdAt);
  return {
    health: "missing",
    trouble: {
      what: `No backup exists. The last one expired ${formatRelative(expiredAtMs, nowMs)}.`,
      advice: "Start an export now, and export more often than EXPORT_RETENTION_HOURS.",
    },
  };
}

/** What the state of all databases together is. */
export type Overall =
  /** Nothing was exported yet. */
  | { kind: "new" }
  /** `troubled` databases need a person, out of `watched`. */
  | { kind: "troubled"; troubled: DatabaseState[]; watched: number }
  /** Nothing is wrong, and the first exports of some databases are still running. */
  | { kind: "waiting"; waiting: DatabaseState[]; watched: number }
  /** All have a backup; `oldest` is the one that was taken first. */
  | { kind: "ok"; oldest: JobView | null; watched: number };

/** Returns the state of all databases together. Restore targets that nobody exports do not count. */
export function judgeAll(databases: readonly DatabaseState[]): Overall {
  const all = databases.filter(({ health }) => health !== "target");
  const watched = all.length;
  const troubled = all.filter(({ health }) => needsAttention(health));
  const isNew = all.every(({ jobs }) => jobs.length === 0);
  if (isNew && troubled.every(({ health }) => health === "missing")) return { kind: "new" };
  if (troubled.length > 0) return { kind: "troubled", troubled, watched };
  const waiting = all.filter(({ health }) => health === "waiting");
  if (waiting.length > 0) return { kind: "waiting", waiting, watched };
  const backups = all.flatMap(({ backup }) => (backup === null ? [] : [backup]));
  const [oldest = null] = backups.toSorted((a, b) => takenAtMs(a) - takenAtMs(b));
  return { kind: "ok", oldest, watched };
}

/** The instant that a backup shows. */
export function takenAtMs({ snapshotAt, startedAt, createdAt }: JobView): number {
  return Date.parse(snapshotAt ?? startedAt ?? createdAt);
}

/** Returns the median time between the newest completed exports; null for fewer than three. */
function usualIntervalMs(completed: readonly JobView[]): number | null {
  const times = completed.slice(-11).map(takenAtMs);
  if (times.length < 3) return null;
  const gaps = times.slice(1).map((time, at) => time - (times[at] ?? time));
  return Math.max(gaps.sort((a, b) => a - b)[Math.floor(gaps.length / 2)] ?? 0, HOUR_MS);
}
