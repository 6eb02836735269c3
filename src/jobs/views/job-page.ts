import type { JobPage, JobPageQuery } from "../../rpc/http-jobs.ts";
import type { JobView } from "../../api/job-view.ts";
import { VIEW_ENTRIES_MAX } from "../../api/limits.ts";
import { listJobs } from "../tables/job-list.ts";
import { toJobView } from "./job-view.ts";

/**
 * The most tables, artifacts and warnings in all views of a page; its last view may exceed it. They
 * take about 2 MB. A value between objects may have 32 MiB, which 100 views with 500 long names
 * each would exceed.
 */
const ENTRIES_MAX = 10 * VIEW_ENTRIES_MAX;

/** Returns one page of jobs, newest first, and where the next starts; null after the last. */
export function getJobPage(sql: SqlStorage, query: JobPageQuery): JobPage {
  const rows = listJobs(sql, {
    ...query,
    kind: "export",
    limit: query.limit + 1,
    nowMs: Date.now(),
  });
  const jobs: JobView[] = [];
  let entries = 0;
  for (const row of rows.slice(0, query.limit)) {
    if (entries >= ENTRIES_MAX) break;
    const view = toJobView(sql, row);
    entries += view.tables.length + view.artifacts.length + view.warnings.length;
    jobs.push(view);
  }
  const last = rows[jobs.length - 1];
  const next =
    rows.length > jobs.length && last !== undefined
      ? { createdAtMs: last.created_at_ms, jobId: last.job_id }
      : null;
  return { jobs, next };
}
