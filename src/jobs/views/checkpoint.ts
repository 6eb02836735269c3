import type { Checkpoint } from "../../rpc/checkpoint.ts";
import type { RunId } from "../../rpc/run-payload.ts";
import { findArtifact, sumArtifactBytes } from "../tables/artifact-rows.ts";
import { loadCarry } from "../tables/blob-rows.ts";
import { getJobOfRun, parseCursor } from "../tables/job-rows.ts";
import { decideNextAction } from "./decide-next-action.ts";

/** Returns a job's newest checkpoint. Errors: `run-superseded`. */
export function loadCheckpoint(sql: SqlStorage, run: RunId): Checkpoint {
  const job = getJobOfRun(sql, run);
  const cursor = parseCursor(job);
  return {
    number: job.checkpoint,
    cursor,
    artifact: findArtifact(sql, job.job_id, cursor.artifact),
    carry: loadCarry(sql, job.job_id),
    bytes: sumArtifactBytes(sql, job.job_id),
    next: decideNextAction(sql, job),
  };
}
