/** What a page of a list contains. */
interface ListPage<View> {
  jobs: readonly View[];
  cursor: string | null;
}

interface Listed {
  jobId: string;
  createdAt: string;
}

/** The jobs that are loaded, newest first, without a gap. */
export interface History<View> {
  readonly jobs: readonly View[];
  /** Leads to the older jobs; null if all jobs are loaded. */
  readonly cursor: string | null;
}

export const EMPTY_HISTORY: History<never> = { jobs: [], cursor: null };

/**
 * Returns a history with the newest page of the list. Loaded jobs that the page would contain, and does not, were
 * deleted. If the page reaches no loaded job, there is a gap, and the older jobs must be loaded again.
 */
export function mergeNewest<View extends Listed>(
  history: History<View>,
  page: ListPage<View>,
): History<View> {
  const listed = new Set(page.jobs.map(({ jobId }) => jobId));
  const isConnected = history.jobs.some(({ jobId }) => listed.has(jobId));
  if (page.cursor === null || !isConnected) return { jobs: page.jobs, cursor: page.cursor };
  const oldest = page.jobs.at(-1)?.createdAt ?? "";
  const older = history.jobs.filter(
    ({ jobId, createdAt }) => createdAt <= oldest && !listed.has(jobId),
  );
  const cursor = older.length === 0 ? page.cursor : history.cursor;
  return { jobs: [...page.jobs, ...older], cursor };
}

/** Returns a history with the page that follows its last job. */
export function appendOlder<View extends Listed>(
  history: History<View>,
  page: ListPage<View>,
): History<View> {
  const known = new Set(history.jobs.map(({ jobId }) => jobId));
  const older = page.jobs.filter(({ jobId }) => !known.has(jobId));
  return { jobs: [...history.jobs, ...older], cursor: page.cursor };
}

/** Returns a history with a job's newest view. A job that is not loaded was just started. */
export function putJob<View extends Listed>(history: History<View>, job: View): History<View> {
  const at = history.jobs.findIndex(({ jobId }) => jobId === job.jobId);
  if (at >= 0) return { ...history, jobs: history.jobs.with(at, job) };
  const newest = history.jobs[0];
  const isNewest = newest === undefined || job.createdAt >= newest.createdAt;
  return isNewest ? { ...history, jobs: [job, ...history.jobs] } : history;
}

/** Returns a history without a job. */
export function dropJob<View extends Listed>(history: History<View>, jobId: string): History<View> {
  return { ...history, jobs: history.jobs.filter((job) => job.jobId !== jobId) };
}
