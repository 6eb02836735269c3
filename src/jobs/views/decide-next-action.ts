import type { NextAction } from "../../rpc/next-action.ts";
import { findArtifact, listArtifacts } from "../tables/artifact-rows.ts";
import { countChunks } from "../tables/chunk-rows.ts";
import { type JobRow, parseCursor } from "../tables/job-rows.ts";

/** Returns what the Workflow does next after a job's newest checkpoint. */
export function decideNextAction(sql: SqlStorage, job: JobRow): NextAction {
  const { job_id: jobId } = job;
  const written = listArtifacts(sql, jobId, { state: "written", limit: 1 })[0];
  if (written !== undefined) {
    return { do: "complete-artifact", ordinal: written.ordinal, artifact: written.name };
  }
  // The artifact at the cursor, unless everything is read.
  const current = findArtifact(sql, jobId, parseCursor(job).artifact);
  if (current === undefined) {
    return { do: "finish", artifact: findArtifact(sql, jobId, 0)?.name ?? "" };
  }
  if (current.state === "wants-upload") {
    return { do: "open-artifact", ordinal: current.ordinal, artifact: current.name };
  }
  const table = job.next_table ?? "";
  const chunk = countChunks(sql, { jobId, table }) + 1;
  return { do: "export", checkpoint: job.checkpoint, table, chunk };
}
