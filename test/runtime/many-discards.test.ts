import { env, runInDurableObject } from "cloudflare:test";
import { expect, test } from "vitest";

import { runWatchdog } from "../../src/jobs/watchdog/job-watchdog.ts";
import { insertOrphan } from "../support/orphan-job.ts";
import { inJobs } from "../support/writing-job.ts";

const look = (): Promise<void> =>
  runInDurableObject(env.EXPORT_JOBS.getByName("jobs"), (_, { storage }) =>
    runWatchdog({ storage, sql: storage.sql, env }),
  );

test("the files of 200 deleted jobs are gone after one alarm", async () => {
  const jobIds = Array.from({ length: 200 }, () => crypto.randomUUID());
  const keys = jobIds.flatMap((id) => [`exports/${id}/dump.sql`, `exports/${id}/manifest.json`]);
  for (const key of keys.slice(-20)) await env.EXPORT_R2_BUCKET.put(key, "late");
  await inJobs(
    `INSERT INTO tmp_export_job_discards (job_id, object_key, upload_id, discarded_at_ms)
       SELECT substr(value, 9, 36), value, '', 1 FROM json_each(?)`,
    JSON.stringify(keys),
  );
  await look();
  expect(await inJobs("SELECT 1 FROM tmp_export_job_discards")).toEqual([]);
  const { objects } = await env.EXPORT_R2_BUCKET.list({ prefix: "exports/" });
  expect(objects).toEqual([]);
});

test("all jobs of a night expire in one alarm", async () => {
  for (let n = 0; n < 50; n += 1) await insertOrphan();
  await inJobs("UPDATE tmp_export_jobs SET state = 'completed', expires_at_ms = 1");
  await look();
  expect(await inJobs("SELECT 1 FROM tmp_export_jobs WHERE state <> 'expired'")).toEqual([]);
});
