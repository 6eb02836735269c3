import { env, runInDurableObject } from "cloudflare:test";
import { afterEach, expect, test } from "vitest";

import type { JobView } from "../../src/api/job-view.ts";
import { WARNINGS_MAX } from "../../src/jobs/tables/bound-warnings.ts";
import { recordPlan } from "../../src/jobs/commands/commit-plan.ts";
import { getLedger } from "../../src/jobs/views/job-ledger.ts";
import { api } from "../support/api.ts";
import { insertOrphan } from "../support/orphan-job.ts";
import { inJobs, makeWritingJob } from "../support/writing-job.ts";

afterEach(() => inJobs("DELETE FROM tmp_export_jobs"));

async function view(jobId: string): Promise<JobView> {
  return (await api(`/export/dump/${jobId}`)).json<JobView>();
}

async function listIds(status: string): Promise<string[]> {
  const { jobs } = await (await api(`/export/jobs?status=${status}`)).json<{ jobs: JobView[] }>();
  return jobs.map(({ jobId }) => jobId);
}

test("a job whose retention has ended is expired before the watchdog comes", async () => {
  const jobId = await insertOrphan();
  const soonMs = Date.now() + 3_600_000;
  await inJobs(`UPDATE tmp_export_jobs SET state = 'completed', expires_at_ms = ?`, soonMs);
  expect((await view(jobId)).status).toBe("completed");
  expect(await listIds("completed")).toEqual([jobId]);
  expect(await listIds("expired")).toEqual([]);

  await inJobs("UPDATE tmp_export_jobs SET expires_at_ms = ?", Date.now() - 1);
  expect(await view(jobId)).toMatchObject({ status: "expired", artifacts: [] });
  expect(await listIds("completed")).toEqual([]);
  expect(await listIds("expired")).toEqual([jobId]);
  for (const path of ["download", "download/dump.sql", "manifest"]) {
    const response = await api(`/export/dump/${jobId}/${path}`);
    expect([response.status, await response.json()]).toEqual([
      410,
      expect.objectContaining({ code: "export-expired" }),
    ]);
  }
});

test("a plan's thousands of warnings are bounded in its row, view and manifest", async () => {
  const { jobId } = await makeWritingJob();
  const warnings = Array.from({ length: 5_000 }, (_, n) => `table "t${n}" is left out`);
  const [row] = await inJobs<{ snapshot_id: string }>("SELECT snapshot_id FROM tmp_export_jobs");
  await runInDurableObject(env.EXPORT_JOBS.getByName("jobs"), (_, { storage }) => {
    const plan = { jobId, run: 1, snapshotId: row?.snapshot_id ?? "", warnings } as unknown;
    const empty = {
      artifacts: [],
      folder: null,
      tables: [],
      keyRanges: [],
      usage: { rowsRead: 0, rowsWritten: 0 },
    };
    const rest = {
      snapshotAtMs: 1,
      snapshot: null,
      catalogDigest: "",
      cursor: {},
      firstTable: "",
    };
    recordPlan(storage.sql, { ...(plan as object), ...empty, ...rest } as never, 1);
    expect(getLedger(storage.sql, jobId).warnings).toHaveLength(WARNINGS_MAX);
  });
  const [kept] = await inJobs<{ warnings_json: string }>(
    "SELECT warnings_json FROM tmp_export_jobs",
  );
  expect(JSON.parse(kept?.warnings_json ?? "")).toHaveLength(WARNINGS_MAX);
  expect((await view(jobId)).warnings).toHaveLength(WARNINGS_MAX);
});
