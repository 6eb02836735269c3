/** How often a job may be given to a new run, its first one included. */
export const RUNS_MAX = 5;

/** What the watchdog knows of an active job. Times in milliseconds. */
export interface WatchedJob {
  run: number;
  /** Since the run last showed that it works. */
  silentMs: number;
  /** Since the run was woken; null where it was not woken since it last worked. */
  wokenAgoMs: number | null;
}

export type Verdict = "leave" | "wake" | "rescue" | "fail";

/**
 * What is to be done about an active job. A run that has been silent for `stallMs` is woken; one that
 * is still silent half as long after that is replaced by the next run, which goes on from the
 * checkpoint; a job whose last run is silent too has failed.
 */
export function judge(job: WatchedJob, stallMs: number): Verdict {
  if (job.silentMs < stallMs) return "leave";
  if (job.wokenAgoMs === null) return "wake";
  if (job.wokenAgoMs < stallMs / 2) return "leave";
  return job.run < RUNS_MAX ? "rescue" : "fail";
}
