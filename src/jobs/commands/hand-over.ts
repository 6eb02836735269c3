import type { RunStart } from "../../rpc/run-payload.ts";
import { countArtifacts } from "../tables/artifact-rows.ts";
import { listCopies } from "../tables/copy-rows.ts";
import { parseProof } from "../tables/job-proof-columns.ts";
import { findJob, type JobRow, parseRescues, type Rescue } from "../tables/job-rows.ts";
import { moveRunIf } from "../tables/job-run-columns.ts";

/**
 * How many of the newest rescues a job remembers. It exceeds the number that may happen at one place, and views
 * show them.
 */
const RESCUES_KEPT = 20;

/**
 * Returns how far a job has got. The value stays equal as long as the job's runs commit, verify and prove nothing
 * more.
 */
export function findPlace(sql: SqlStorage, job: JobRow): string {
  const proof = parseProof(job);
  const copySteps = listCopies(sql, job.job_id).reduce((sum, { steps }) => sum + steps, 0);
  const place = `${job.checkpoint}/${countArtifacts(sql, job.job_id, "verified")}`;
  const proved = proof === null ? place : `${place}/${proof.commits}`;
  return copySteps === 0 ? proved : `${proved}/${copySteps}`;
}

/**
 * Gives a job to `next`, a run that the watchdog created as a replacement. Reports whether it did.
 * Nothing changes if `next` already has the job or replaces another run, or if the job has ended.
 */
export function handOverIf(sql: SqlStorage, next: RunStart, nowMs: number): boolean {
  const { jobId, run, rescuedFor: reason } = next;
  const job = findJob(sql, jobId);
  if (reason === undefined || job?.run !== run - 1) return false;
  const rescue: Rescue = { run: job.run, atMs: nowMs, reason, place: findPlace(sql, job) };
  const rescues = [...parseRescues(job), rescue].slice(-RESCUES_KEPT);
  return moveRunIf(sql, { jobId, run: job.run }, { nowMs, rescues });
}
