/** How often a job may be given to a new run, its first one included. */
export const RUNS_MAX = 5;

/** What the watchdog knows of an active job. Times in milliseconds. */
export interface WatchedJob {
  run: number;
  /** Since the run last showed that it works. */
  silentMs: number;
  /** Since the run was woken; null where it was not woken since it last worked. */
  wokenAgoMs: number | null;
  /**
   * What Workflows tells of the run's instance. One that says it is alive may be forgotten; one that
   * has ended, or never was, works no more.
   */
  instance: "alive" | "ended" | "unknown";
}

export type Verdict = "leave" | "wake" | "rescue" | "fail";

/** How long a run of an active job is silent before its instance is looked at. */
export function suspectMsOf(stallMs: number): number {
  return stallMs / 4;
}

/**
 * What is to be done about an active job. A run that has been silent for `stallMs` is woken; one that
 * is still silent half as long after that is replaced by the next run, which goes on from the
 * checkpoint; so is one whose instance has ended, as soon as its silence shows that it is over. A job
 * whose last run is silent too has failed.
 */
export function judge(job: WatchedJob, stallMs: number): Verdict {
  if (job.silentMs < suspectMsOf(stallMs)) return "leave";
  if (job.instance === "ended") return job.run < RUNS_MAX ? "rescue" : "fail";
  if (job.silentMs < stallMs) return "leave";
  if (job.wokenAgoMs === null) return "wake";
  if (job.wokenAgoMs < stallMs / 2) return "leave";
  return job.run < RUNS_MAX ? "rescue" : "fail";
}
