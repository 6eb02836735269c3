import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";

import { insertOrphan } from "./orphan-job.ts";

/**
 * A running job without a run, whose files begin with `folder`: the store accepts writes for it.
 */
export async function makeWritingJob(): Promise<{ jobId: string; folder: string }> {
  const jobId = await insertOrphan("live");
  const snapshotId = crypto.randomUUID();
  await runInDurableObject(env.EXPORT_JOBS.getByName("jobs"), (_, { storage }) => {
    storage.sql.exec(
      "UPDATE tmp_export_jobs SET state = 'running', snapshot_id = ? WHERE job_id = ?",
      snapshotId,
      jobId,
    );
  });
  return { jobId, folder: `exports/${jobId}/${snapshotId}` };
}

/** Runs SQL in the jobs database and returns its rows. */
export function inJobs<T extends Record<string, SqlStorageValue>>(
  sql: string,
  ...values: SqlStorageValue[]
): Promise<T[]> {
  return runInDurableObject(env.EXPORT_JOBS.getByName("jobs"), (_, { storage }) =>
    storage.sql.exec<T>(sql, ...values).toArray(),
  );
}

/** What is left of a job's files in the jobs database: rows of bytes, parts and uploads. */
export async function inlineRowsOf(jobId: string): Promise<number> {
  const [row] = await inJobs<{ n: number }>(
    `SELECT (SELECT count(*) FROM tmp_export_job_blobs WHERE job_id = ?1)
       + (SELECT count(*) FROM tmp_export_job_parts WHERE job_id = ?1)
       + (SELECT count(*) FROM tmp_export_job_uploads WHERE job_id = ?1) AS n`,
    jobId,
  );
  return row?.n ?? 0;
}
