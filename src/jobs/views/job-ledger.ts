import { assert } from "../../lib/assert.ts";
import type { JobLedger } from "../../rpc/run-jobs.ts";
import { listArtifacts } from "../tables/artifact-rows.ts";
import { listPieces } from "../tables/chunk-rows.ts";
import { listManifestCopies } from "../tables/copy-rows.ts";
import { getJob } from "../tables/job-rows.ts";
import { listTables } from "../tables/table-rows.ts";
import { listWarnings } from "./job-warnings.ts";
import { toRunningJob } from "./running-job.ts";

/**
 * Returns everything that the ledger records about a job, for its manifest. Errors:
 * `job-not-found`.
 */
export function getLedger(sql: SqlStorage, jobId: string): JobLedger {
  const row = getJob(sql, jobId);
  const { plan, ...job } = toRunningJob(row);
  assert(plan !== null, "a manifest is made of a job with a plan");
  return {
    job: { ...job, plan },
    tables: listTables(sql, jobId).map(({ name, rows, bytes }) => ({ name, rows, bytes })),
    warnings: listWarnings(sql, row),
    copies: listManifestCopies(sql, jobId),
    artifacts: listArtifacts(sql, jobId).map((artifact) => ({
      ...artifact,
      pieces: listPieces(sql, { jobId, ordinal: artifact.ordinal }),
    })),
  };
}
