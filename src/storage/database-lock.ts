import { ExportError } from "../model/error.ts";
import { findActiveJob } from "./job-rows.ts";
import { findActiveStream } from "./stream-rows.ts";

/**
 * Goes on where nobody exports a database: no job that is queued or running, no stream whose lease
 * lasts. Errors: `export-already-running`, which names the one that does.
 */
export function requireUnlocked(
  sql: SqlStorage,
  of: { databaseKey: string; source: string; nowMs: number },
): void {
  const job = findActiveJob(sql, of.databaseKey);
  const stream = job === undefined ? findActiveStream(sql, of) : undefined;
  if (job === undefined && stream === undefined) return;
  const source = `source ${JSON.stringify(of.source)}`;
  throw job === undefined
    ? new ExportError(
        "export-already-running",
        `${source} is being exported by stream ${stream?.stream_id}`,
        { details: { streamId: stream?.stream_id ?? "" } },
      )
    : new ExportError(
        "export-already-running",
        `${source} is being exported by job ${job.job_id}`,
        { details: { jobId: job.job_id } },
      );
}
