import { findNamedObject } from "../../api/source-config.ts";
import type { NamedJob } from "../../rpc/readable-key.ts";
import { type JobRow, parseRequest } from "../tables/job-rows.ts";

/** Returns what readable keys and file names show of an export. */
export function toNamedJob(job: JobRow): NamedJob {
  const { job_id: jobId, source, created_at_ms: createdAtMs } = job;
  return { jobId, source, object: findNamedObject(parseRequest(job)), createdAtMs };
}
