import {
  abortAllDurableObjects,
  env,
  evictDurableObject,
  runDurableObjectAlarm,
  runInDurableObject,
} from "cloudflare:test";
import { beforeEach, expect, test } from "vitest";

import type { JobView } from "../../src/api/job-view.ts";
import { api, emptyDatabase, snapshotObjects, startExport } from "../support/api.ts";
import { bankProblems, openBank, startTransfers } from "../support/bank.ts";

const database = () => env.DATABASE_DURABLE_OBJECT.getByName("sql-durable-object");
const jobs = () => env.EXPORT_JOBS.getByName("jobs");

/** Evicts an object that runs: one that was evicted before is called until it answers. */
async function evict(object: DurableObjectStub, call: () => Promise<unknown>): Promise<void> {
  const answers = (): Promise<boolean> =>
    call().then(
      () => true,
      () => false,
    );
  await expect.poll(answers).toBe(true);
  await evictDurableObject(object);
}

/** What befalls the objects while a job runs. */
const DISTURBANCES: Record<string, () => Promise<unknown>> = {
  "the database is evicted": () =>
    evict(database(), async () => database().executeQuery({ sql: "SELECT 1" })),
  "the job object is evicted": () => evict(jobs(), async () => jobs().databaseBytes()),
  "all objects are aborted": () => abortAllDurableObjects(),
  "the alarm runs early, twice": async () => {
    await runDurableObjectAlarm(jobs());
    await runDurableObjectAlarm(jobs());
  },
  "the alarm runs late": async () => {
    // As if the job had been silent for an hour: a run that works is woken, and replaced the next time.
    await runInDurableObject(jobs(), async (_, { storage }) => {
      storage.sql.exec(
        `UPDATE tmp_export_jobs SET heartbeat_at_ms = heartbeat_at_ms - 3600000,
           woken_at_ms = woken_at_ms - 1800000
         WHERE state IN ('queued', 'running')`,
      );
      await storage.setAlarm(Date.now() + 3_600_000);
    });
    await runDurableObjectAlarm(jobs());
  },
};

beforeEach(async () => {
  await emptyDatabase();
  await openBank();
});

/** As often as a job's steps and runs may fail, and with room between. */
const DISTURBANCES_MAX = 6;

/** Undefined where an abort has cut the answer off. */
async function viewOf(jobId: string): Promise<JobView | undefined> {
  const response = await api(`/export/dump/${jobId}`);
  const view = await response.json<JobView>();
  return response.ok ? view : undefined;
}

test.each(Object.entries(DISTURBANCES))(
  "an export shows one instant and leaves nothing where %s again and again",
  async (_what, disturb) => {
    const writers = startTransfers(2);
    const { jobId } = await startExport();
    let view: JobView | undefined;
    let disturbances = 0;
    try {
      for (;;) {
        view = await viewOf(jobId);
        if (view !== undefined && view.status !== "queued" && view.status !== "running") break;
        await scheduler.wait(Math.random() * 300);
        if (disturbances === DISTURBANCES_MAX) continue;
        await disturb();
        disturbances += 1;
      }
    } finally {
      await writers.stop();
    }
    expect(view).toMatchObject({ status: "completed", error: null });
    expect(disturbances).toBeGreaterThan(1);
    expect(await bankProblems(jobId)).toEqual([]);
    expect(await snapshotObjects()).toEqual([]);
  },
);
