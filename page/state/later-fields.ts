import type { JobView } from "../../src/api/job-view.ts";

/** What a Worker may add to a job. The page shows each field only if the Worker returns it. */
export interface LaterFields {
  /** The result of restoring the backup into a scratch database. */
  proof?: {
    state: "none" | "running" | "proved" | "failed";
    at: string | null;
    seconds: number | null;
    rows: number | null;
    pieces: number | null;
  } | null;
  /** Copies in other stores. */
  copies?: { destination: string; state: string; at?: string | null }[];
}

/** Returns a job with the fields that its Worker may have added. */
export function withLaterFields(job: JobView): JobView & LaterFields {
  return job;
}
