import { useEffect, useState } from "preact/hooks";

import { isActive, type JobState } from "../../src/api/job-state.ts";
import type { CallOptions, JobEvent } from "../../src/client/client-options.ts";
import { isAbort, type Problem, toProblem } from "./problem.ts";

/** How one kind of job is read. */
interface JobCalls<View> {
  get: (jobId: string, options: CallOptions) => Promise<View>;
  events: (jobId: string, options: CallOptions) => AsyncIterable<JobEvent<View>>;
  /** Keeps a view in the store. */
  put: (view: View) => void;
}

interface LiveJob<View> {
  job: View | null;
  problem: Problem | null;
}

/** How long the page waits before it follows a job again whose events broke off. */
const FOLLOW_AGAIN_MS = 3_000;

/**
 * Returns a job's newest view, and follows it while it runs. `known` is what the store has: it is shown at once, and
 * read again, because lists are older.
 */
export function useJob<View extends { status: JobState }>(
  jobId: string,
  known: View | null,
  calls: JobCalls<View>,
): LiveJob<View> {
  const [live, setLive] = useState<LiveJob<View>>({ job: known, problem: null });
  const [attempt, setAttempt] = useState(0);
  const isRunning = live.job !== null && isActive(live.job.status);
  useEffect(() => {
    const abort = new AbortController();
    const show = (job: View): void => {
      if (abort.signal.aborted) return;
      setLive({ job, problem: null });
      calls.put(job);
    };
    const follow = async (): Promise<void> => {
      const options = { signal: abort.signal };
      const first = await calls.get(jobId, options);
      show(first);
      if (!isActive(first.status)) return;
      for await (const event of calls.events(jobId, options)) {
        if (event.type !== "deleted") show(event.job);
        if (event.type === "end") return;
      }
    };
    let timer: ReturnType<typeof setTimeout> | undefined;
    follow().catch((error: unknown) => {
      if (isAbort(error) || abort.signal.aborted) return;
      const problem = toProblem(error);
      setLive((before) => ({ ...before, problem }));
      if (problem.isTemporary) timer = setTimeout(() => setAttempt(attempt + 1), FOLLOW_AGAIN_MS);
    });
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [jobId, attempt]);
  // A cancel in this page or elsewhere reaches the store first.
  if (isRunning && known !== null && !isActive(known.status)) return { job: known, problem: null };
  return live;
}
