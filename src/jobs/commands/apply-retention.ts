import type { KeepReason } from "../../api/retention-policy.ts";
import { getJob, type JobRow, parseRequest, recordExpiry } from "../tables/job-rows.ts";
import { listSeries, recordKeptBy } from "../tables/job-series-columns.ts";
import { explainRetention } from "../views/explain-retention.ts";
import { areFilesNeeded } from "../views/job-use.ts";

/**
 * Applies the policy of an export or a fleet that has just completed to its series: records what keeps each
 * completed job, and that the others expire now. The watchdog then deletes their files. A job whose
 * files are in use is kept until the next time. Does nothing for a job without a series. Call it
 * inside the transaction that completes the job.
 */
export function applyRetention(sql: SqlStorage, job: JobRow, nowMs: number): void {
  const { retention } = parseRequest(job);
  if (job.series_key === null || retention === undefined) return;
  const members = listSeries(sql, job.series_key);
  const before = new Map(members.map(({ jobId, keptByJson }) => [jobId, keptByJson]));
  for (const { jobId, reasons } of explainRetention(retention, members)) {
    const keptBy: KeepReason[] =
      reasons.length === 0 && areFilesNeeded(sql, getJob(sql, jobId), nowMs)
        ? [{ rule: "in-use" }]
        : reasons;
    if (before.get(jobId) !== JSON.stringify(keptBy)) recordKeptBy(sql, jobId, keptBy);
    if (keptBy.length === 0) recordExpiry(sql, jobId, nowMs);
  }
}
