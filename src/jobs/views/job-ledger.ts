import type { JobLedger } from "../../rpc/run-jobs.ts";
import { listArtifacts } from "../tables/artifact-rows.ts";
import { listPieces } from "../tables/chunk-rows.ts";
import { getJob } from "../tables/job-rows.ts";
import { listTables } from "../tables/table-rows.ts";
import { listWarnings } from "./job-warnings.ts";
import { toRunningJob } from "./running-job.ts";

/** Returns everything that the ledger has of a job, for its manifest. Errors: `job-not-found`. */
export function getLedger(sql: SqlStorage, jobId: string): JobLedger {
  const job = getJob(sql, jobId);
  return {
    job: toRunningJob(job),
    tables: listTables(sql, jobId).map(({ name, rows, bytes }) => ({ name, rows, bytes })),
    warnings: listWarnings(sql, job),
    artifacts: listArtifacts(sql, jobId).map((artifact) => ({
      ...artifact,
      pieces: listPieces(sql, { jobId, ordinal: artifact.ordinal }),
    })),
  };
}
