import { expect, test } from "vitest";

import { VIEW_ENTRIES_MAX } from "../../src/api/limits.ts";
import type { JobView } from "../../src/api/job-view.ts";
import { api } from "../support/api.ts";
import { inJobs, makeWritingJob } from "../support/writing-job.ts";

const JOBS = 100;

test("a list of jobs with hundreds of tables comes in pages that are short enough to send", async () => {
  const made: string[] = [];
  for (let n = 0; n < JOBS; n += 1) made.push((await makeWritingJob()).jobId);
  const numbers = `WITH n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${VIEW_ENTRIES_MAX})`;
  await inJobs("UPDATE tmp_export_jobs SET state = 'completed'");
  await inJobs(
    `${numbers} INSERT INTO tmp_export_job_tables (job_id, ordinal, name)
     SELECT job_id, i, hex(zeroblob(50)) || i FROM tmp_export_jobs, n`,
  );
  await inJobs(
    `${numbers} INSERT INTO tmp_export_job_artifacts (job_id, ordinal, name, content_type, object_key, sha256)
     SELECT job_id, i, hex(zeroblob(50)) || i, 'text/csv', '', hex(zeroblob(32)) FROM tmp_export_jobs, n`,
  );
  const found: string[] = [];
  let cursor: string | null = null;
  do {
    const query: string = cursor === null ? "" : `&cursor=${cursor}`;
    const response = await api(`/export/jobs?limit=${JOBS}${query}`);
    expect(response.status).toBe(200);
    const text = await response.text();
    expect(text.length).toBeLessThan(8_000_000);
    const page = JSON.parse(text) as { jobs: JobView[]; cursor: string | null };
    for (const { jobId, tables } of page.jobs) {
      expect(tables).toHaveLength(VIEW_ENTRIES_MAX);
      found.push(jobId);
    }
    ({ cursor } = page);
  } while (cursor !== null);
  expect(found.toSorted()).toEqual(made.toSorted());
});
