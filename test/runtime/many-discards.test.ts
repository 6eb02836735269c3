import { env, runInDurableObject } from "cloudflare:test";
import { afterEach, expect, test } from "vitest";

import { runWatchdog } from "../../src/jobs/watchdog/job-watchdog.ts";
import { insertOrphan } from "../support/orphan-job.ts";
import { inJobs } from "../support/writing-job.ts";

const look = (options: Parameters<typeof runWatchdog>[1] = {}): Promise<void> =>
  runInDurableObject(env.EXPORT_JOBS.getByName("jobs"), (_, { storage }) =>
    runWatchdog({ storage, sql: storage.sql, env }, options),
  );

const prototype = Object.getPrototypeOf(env.EXPORT_R2_BUCKET) as R2Bucket;
const methods = Object.getOwnPropertyDescriptors(prototype);
const real = Object.create(null, methods) as R2Bucket;

/** From now on, R2 takes as long as it does far away. Returns the most deletions under way at once. */
function slowDown(ms: number): { most: number } {
  const seen = { most: 0 };
  let underWay = 0;
  prototype.delete = async function (this: R2Bucket, keys) {
    seen.most = Math.max(seen.most, (underWay += 1));
    await scheduler.wait(ms);
    underWay -= 1;
    return real.delete.call(this, keys);
  };
  return seen;
}

afterEach(async () => {
  Object.defineProperties(prototype, methods);
  await inJobs("DELETE FROM tmp_export_jobs");
  await inJobs("DELETE FROM tmp_export_job_discards");
  // The object's own alarm would work beside the next test's.
  await runInDurableObject(env.EXPORT_JOBS.getByName("jobs"), (_, { storage }) =>
    storage.deleteAlarm(),
  );
});

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

test("an alarm whose time is over leaves the rest to the next one, which follows at once", async () => {
  for (let n = 0; n < 30; n += 1) await insertOrphan();
  await inJobs(
    "UPDATE tmp_export_jobs SET state = 'completed', snapshot_id = 's', expires_at_ms = 1",
  );
  const left = async (): Promise<number> =>
    (await inJobs("SELECT 1 FROM tmp_export_jobs WHERE state = 'completed'")).length;
  slowDown(20);
  let alarms = 0;
  for (let before = 30; before > 0; alarms += 1) {
    await look({ alarmMs: 50 });
    expect(await left()).toBeLessThan(before);
    before = await left();
    if (before === 0) break;
    const alarm = await runInDurableObject(env.EXPORT_JOBS.getByName("jobs"), (_, { storage }) =>
      storage.getAlarm(),
    );
    expect(alarm).toBeLessThanOrEqual(Date.now() + 1_000);
  }
  expect(alarms).toBeGreaterThan(0);
});

test("slow deletions are under way six at a time, so that 300 expiries take seconds", async () => {
  for (let n = 0; n < 300; n += 1) await insertOrphan();
  await inJobs(
    "UPDATE tmp_export_jobs SET state = 'completed', snapshot_id = 's', expires_at_ms = 1",
  );
  const seen = slowDown(50);
  const startMs = Date.now();
  await look();
  expect(await inJobs("SELECT 1 FROM tmp_export_jobs WHERE state <> 'expired'")).toEqual([]);
  expect(seen.most).toBe(6);
  // One after the other, they would take 15 s.
  expect(Date.now() - startMs).toBeLessThan(10_000);
});
