import type { JobLedger } from "../../rpc/run-jobs.ts";
import { listPieces, listTables } from "../tables/chunk-rows.ts";
import { getJob, listArtifacts } from "../tables/job-rows.ts";
import { listWarnings } from "./job-warnings.ts";
import { toRunningJob } from "./running-job.ts";

/** Returns everything that the ledger has of a job, for its manifest. Errors: `job-not-found`. */
export function getLedger(sql: SqlStorage, jobId: string): JobLedger {
  const job = getJob(sql, jobId);
  return {
    job: toRunningJob(job),
    tables: listTables(sql, jobId),
    warnings: listWarnings(sql, job),
    artifacts: listArtifacts(sql, jobId).map((artifact) => ({
      ...artifact,
      pieces: listPieces(sql, { jobId, ordinal: artifact.ordinal }),
    })),
  };
}
