/** The longest pause between two instances is this many doublings of the first one. */
const ENDING_DOUBLINGS_MAX = 9;

/**
 * How long an instance may take to close a snapshot before another is started. The pause doubles
 * each time, up to a day: a database that is gone for good must not cost an instance every minute.
 */
const ENDING_GRACE_MS = 180_000;

/**
 * When the next instance may be started for what an ended job or stream left: SQL over the columns
 * `endings` and `ending_at_ms`, which both tables have.
 */
export const ENDING_DUE_MS = `coalesce(ending_at_ms, 0) + (${ENDING_GRACE_MS} << min(endings, ${ENDING_DOUBLINGS_MAX}))`;
