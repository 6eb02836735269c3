import { toBucketFolder } from "../../rpc/object-key.ts";
import { type NamedJob, toShortId } from "../../rpc/readable-key.ts";
import { openArtifactStore } from "../../storage/open-artifact-store.ts";
import type { JobsContext } from "../jobs-context.ts";
import { hasDiscardsLike } from "../tables/discard-rows.ts";
import { hasOtherJobLike } from "../tables/job-rows.ts";

/**
 * Returns the folder that a job's files get in the deployment's bucket; null if the jobs database keeps them. `number`
 * counts the job's plans from 1. Call it inside the transaction that records the folder.
 */
export function chooseFolder(
  { sql, env }: JobsContext,
  job: NamedJob,
  number: number,
): string | null {
  if (openArtifactStore(env).usesJobsDatabase) return null;
  return toBucketFolder(job, { number, isIdTaken: isIdTaken(sql, job.jobId) });
}

/**
 * True if the id of another job begins with the same digits as readable folders show, or if files of a deleted one may
 * still be removed. Such a job must show its whole id.
 */
export function isIdTaken(sql: SqlStorage, jobId: string): boolean {
  const like = { jobId, prefix: toShortId(jobId) };
  return hasOtherJobLike(sql, like) || hasDiscardsLike(sql, like);
}
