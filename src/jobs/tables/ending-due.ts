/** The longest pause between two instances is this many doublings of the first one. */
const ENDING_DOUBLINGS_MAX = 9;

/**
 * How long an instance that closes a snapshot is left alone before another is started. The pause doubles
 * after each, up to a day: a database that is gone for good must not cost an instance every minute.
 */
const ENDING_GRACE_MS = 180_000;

/**
 * When the next instance may be started for what a job or stream has left: SQL over the columns `endings`
 * and `ending_at_ms`, which the tables of both have.
 */
export const ENDING_DUE_MS = `coalesce(ending_at_ms, 0) + (${ENDING_GRACE_MS} << min(endings, ${ENDING_DOUBLINGS_MAX}))`;
