import { isActive, JOB_STATES, type JobState, listStatesBefore } from "../../api/job-state.ts";

/** Returns the condition that a job's `state` is one of `states`. Every SQL text takes its states from here. */
export function toStateCondition(states: readonly JobState[]): string {
  return `state IN (${states.map((state) => `'${state}'`).join(", ")})`;
}

/*
 * SQLite uses a partial index only if the query repeats the condition of the index. So the indexes
 * in `migrations.ts` have the text of these conditions, and `test/structure` compares the plans.
 */

/** The condition for a job that holds its database's lock. */
export const ACTIVE = toStateCondition(JOB_STATES.filter(isActive));

/** The condition for a job that waits in the queue: no instance of it was created yet. */
export const UNSTARTED = `${toStateCondition(["queued"])} AND queue_number IS NOT NULL`;

/**
 * The condition for an active job whose run was started. A version that knows no queue runs jobs
 * without removing their number, so a running job counts in any case.
 */
export const STARTED = `${ACTIVE} AND (${toStateCondition(["running"])} OR queue_number IS NULL)`;

/** The condition for a job that has ended, in whatever way. */
export const ENDED = toStateCondition(JOB_STATES.filter((state) => !isActive(state)));

/** The condition for a job whose files are kept until its retention ends. */
export const RETAINED = toStateCondition(listStatesBefore("expired"));

/** The condition for a job that has ended and keeps no files. */
export const FILELESS = toStateCondition(
  JOB_STATES.filter((state) => !isActive(state) && !listStatesBefore("expired").includes(state)),
);
