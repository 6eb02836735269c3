/**
 * States of an export job and who moves it out of each:
 *
 * - `queued`: its first run does, when it opens the snapshot; a cancel; the watchdog.
 * - `running`: its run does, by publishing the manifest or by giving up; a cancel; the watchdog.
 * - `completed`: the retention's alarm does; a delete removes it.
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

/** Every legal move; each is made by one UPDATE that names the states it may come from. */
const JOB_MOVES: Record<JobState, readonly JobState[]> = {
  queued: ["running", "failed", "cancelled"],
  running: ["completed", "failed", "cancelled"],
  completed: ["expired"],
  failed: [],
  cancelled: [],
  expired: [],
};

export function isActive(state: JobState): boolean {
  return state === "queued" || state === "running";
}

/** The states from which `to` can be reached. */
export function statesBefore(to: JobState): JobState[] {
  return JOB_STATES.filter((from) => JOB_MOVES[from].includes(to));
}
