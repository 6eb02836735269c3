import type { InstanceCondition } from "../workflow-instances.ts";

/** How many runs may end at the same place in a job, including the first one that reaches it. */
export const RUNS_MAX = 5;

/**
 * How long a job waits for an instance that is queued or paused, or for Workflows to respond. A job
 * locks its database, so waiting must end; R2 drops an unfinished upload after the same time.
 */
export const WAIT_MS_MAX = 7 * 86_400_000;

/** The longest silence before an instance is checked. Reading its status changes nothing. */
const SUSPECT_MS_MAX = 75_000;

/** What the watchdog knows about an active job. Times in milliseconds. */
export interface WatchedJob {
  /** The runs in a row that ended at the job's current place, plus the current one. */
  runsAtPlace: number;
  /** Time since the run last showed that it works, or was seen waiting. */
  silentMs: number;
  /** Time since the run last showed that it works. */
  idleMs: number;
  /** Time since the run was woken; null if it was not woken since it last worked. */
  wokenAgoMs: number | null;
  instance: InstanceCondition;
}

/**
 * `wait`: remember that the instance waits, and do nothing else. `end`: the job has waited too
 * long.
 */
export type Verdict = "leave" | "wait" | "wake" | "rescue" | "fail" | "end";

/** Returns how long a run of an active job must be silent before its instance is checked. */
export function getSuspectMs(stallMs: number): number {
  return Math.min(stallMs / 4, SUSPECT_MS_MAX);
}

/**
 * Decides what must be done about an active job. A run that has been silent for `stallMs` is woken.
 * If it stays silent for half as long again, the next run replaces it and resumes from the
 * checkpoint. The same happens to a run whose instance has ended, as soon as its silence shows that
 * it is over. A job whose runs keep ending at the same place fails. An instance that waits is not
 * touched for up to `WAIT_MS_MAX`.
 */
export function judge(job: WatchedJob, stallMs: number): Verdict {
  if (job.silentMs < getSuspectMs(stallMs)) return "leave";
  if (job.idleMs >= WAIT_MS_MAX) return "end";
  if (job.instance === "paused") return "wait";
  if (job.instance === "queued") {
    // The local runtime forgets an instance that was killed while it was queued. An event wakes it,
    // and changes nothing for one that waits for its turn.
    return job.idleMs >= stallMs && job.wokenAgoMs === null ? "wake" : "wait";
  }
  const next = job.runsAtPlace < RUNS_MAX ? "rescue" : "fail";
  if (job.instance === "ended") return next;
  if (job.silentMs < stallMs) return "leave";
  if (job.wokenAgoMs === null) return "wake";
  return job.wokenAgoMs < stallMs / 2 ? "leave" : next;
}
