import { isActive, JOB_STATES, type JobState, listStatesBefore } from "../../api/job-state.ts";

/** Returns the condition that a job's `state` is one of `states`. Every SQL text takes its states from here. */
export function toStateCondition(states: readonly JobState[]): string {
  return `state IN (${states.map((state) => `'${state}'`).join(", ")})`;
}

/**
 * The condition for a job that holds its database's lock. The index `tmp_export_jobs_active` has the same
 * text; SQLite uses the index only then.
 */
export const ACTIVE = toStateCondition(JOB_STATES.filter(isActive));

/** The condition for a job that has ended, in whatever way. */
export const ENDED = toStateCondition(JOB_STATES.filter((state) => !isActive(state)));

/** The condition for a job whose files are kept until its retention ends. */
export const RETAINED = toStateCondition(listStatesBefore("expired"));

/** The condition for a job that has ended and keeps no files. */
export const FILELESS = toStateCondition(
  JOB_STATES.filter((state) => !isActive(state) && !listStatesBefore("expired").includes(state)),
);
