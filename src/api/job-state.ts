/**
 * States of an export job and who moves it out of each:
 *
 * - `queued`: its first run, when it opens the snapshot; a cancel; the watchdog. The run starts when
 *   fewer than EXPORT_JOBS_RUNNING_MAX jobs run; until then the job is in the queue.
 * - `running`: its run, when it publishes the manifest or fails; a cancel; the watchdog.
 * - `completed`: the retention's alarm; a delete removes it.
 * - `failed`, `cancelled`, `expired`: nobody; the alarm or a delete removes them.
 */
export const JOB_STATES = [
  "queued",
  "running",
  "completed",
  "failed",
  "cancelled",
  "expired",
] as const;

export type JobState = (typeof JOB_STATES)[number];

/**
 * Every legal move. A single UPDATE makes a move, and its condition names the states that it may
 * start from.
 */
const JOB_MOVES: Record<JobState, readonly JobState[]> = {
  queued: ["running", "failed", "cancelled"],
  running: ["completed", "failed", "cancelled"],
  completed: ["expired"],
  failed: [],
  cancelled: [],
  expired: [],
};

/** True if a job in this state has not ended. */
export function isActive(state: JobState): boolean {
  return state === "queued" || state === "running";
}

/** Returns the states from which a job can move to `to`. */
export function listStatesBefore(to: JobState): JobState[] {
  return JOB_STATES.filter((from) => JOB_MOVES[from].includes(to));
}
