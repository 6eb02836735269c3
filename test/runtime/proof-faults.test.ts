import { env, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeAll, describe, expect, test } from "vitest";

import type { JobView } from "../../src/api/job-view.ts";
import { runWatchdog } from "../../src/jobs/watchdog/job-watchdog.ts";
import { api, ended, fillNoise, query, startExport } from "../support/api.ts";
import { FAULTS, failSteps, hangSteps, type StepFaults } from "../support/faulty-steps.ts";
import { countScratch, openScratch } from "../support/scratch.ts";
import { inJobs } from "../support/writing-job.ts";

/** Every step of a proof: the scan, the loading, and the comparison. */
const STEPS = ["prove restore 1", "prove restore 2", "prove restore 3"];

let faults: StepFaults | undefined;
let stop = (): void => {};

beforeAll(async () => {
  await fillNoise({ rows: 700, rowBytes: 5_000 });
  await query(
    "CREATE TABLE parents (id INTEGER PRIMARY KEY, child INTEGER REFERENCES children(id))",
    "CREATE TABLE children (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parents(id))",
    "INSERT INTO parents VALUES (1, NULL), (2, NULL)",
    "INSERT INTO children VALUES (5, 1), (6, 2)",
    "UPDATE parents SET child = id + 4",
  );
});

afterEach(async () => {
  stop();
  await faults?.restore();
});

const look = (): Promise<void> =>
  runInDurableObject(env.EXPORT_JOBS.getByName("jobs"), (_, { storage }) =>
    runWatchdog({ storage, sql: storage.sql, env }),
  );

const view = async (jobId: string): Promise<JobView> =>
  (await api(`/export/dump/${jobId}`)).json<JobView>();

describe.each(STEPS)("a proof whose step %j", (step) => {
  test.each(FAULTS)("fails once (%s) proves the dump, and leaves nothing", async (fault) => {
    faults = failSteps((name) => name === step, fault);
    const { jobId } = await startExport({ verify: "restore" });
    const proved = await ended(jobId);
    await expect
      .poll(() => faults?.tries.filter((name) => name === step).length, { timeout: 20_000 })
      .toBeGreaterThan(1);
    await faults.restore();
    expect(proved.error).toBe(null);
    expect(proved).toMatchObject({
      status: "completed",
      workflow: { run: 1 },
      proof: { state: "proved", rows: 704 },
    });
    // What a late attempt has left is removed once more a minute later.
    await inJobs("UPDATE tmp_export_job_discards SET discarded_at_ms = 1");
    await look();
    expect(await countScratch(jobId)).toBe(0);
    expect(await inJobs("SELECT 1 FROM tmp_export_job_discards")).toEqual([]);
  });
});

describe("the scratch database of a job", () => {
  test("that is deleted during its proof is discarded", async () => {
    const hanging = hangSteps((name) => name === "prove restore 3");
    stop = hanging.restore;
    const { jobId } = await startExport({ verify: "restore" });
    await expect.poll(() => hanging.reached, { timeout: 30_000 }).toContain("prove restore 3");
    expect(await countScratch(jobId)).toBeGreaterThan(0);
    await api(`/export/dump/${jobId}`, { method: "DELETE" });
    await api(`/export/dump/${jobId}`, { method: "DELETE" });
    await expect.poll(() => countScratch(jobId)).toBe(0);
  });

  test("whose run went silent is continued by the next run", async () => {
    const hanging = hangSteps((name, run) => name === "prove restore 3" && run === 1);
    stop = hanging.restore;
    const { jobId } = await startExport({ verify: "restore" });
    await expect.poll(() => hanging.reached, { timeout: 30_000 }).toContain("prove restore 3");
    const before = (await view(jobId)).proof;
    expect(before).toMatchObject({ state: "running", at: null });
    await inJobs(
      "UPDATE tmp_export_jobs SET heartbeat_at_ms = ?1 - 3600000, woken_at_ms = ?1 - 1800000 WHERE job_id = ?2",
      Date.now(),
      jobId,
    );
    await look();
    const proved = await ended(jobId);
    expect(proved).toMatchObject({ status: "completed", workflow: { run: 2 } });
    // Nothing was loaded twice.
    expect(proved.proof).toMatchObject({ state: "proved", rowsWritten: before.rowsWritten });
    expect(await countScratch(jobId)).toBe(0);
  });

  test("that a cut-off attempt has filled counts as progress before more is loaded", async () => {
    await inJobs(`CREATE TRIGGER cut_off BEFORE UPDATE OF proof_json ON tmp_export_jobs
      WHEN NEW.proof_json ->> 'phase' = 'compare' BEGIN SELECT RAISE(ABORT, 'cut off'); END`);
    stop = () => void inJobs("DROP TRIGGER IF EXISTS cut_off");
    const { jobId } = await startExport({ verify: "restore" });
    const read = async (): Promise<unknown[]> =>
      inJobs(
        `SELECT proof_json ->> 'phase' AS phase, proof_json ->> '$.position.textBytes' > 0 AS isLoaded
         FROM tmp_export_jobs WHERE job_id = ?`,
        jobId,
      );
    // The attempt after a failed one begins ten seconds later.
    await expect.poll(read, { timeout: 90_000 }).toEqual([{ phase: "load", isLoaded: 1 }]);
    await inJobs("DROP TRIGGER cut_off");
    expect(await ended(jobId)).toMatchObject({
      status: "completed",
      workflow: { run: 1 },
      proof: { state: "proved", rows: 704 },
    });
  });

  test("that could not be discarded is discarded by the watchdog", async () => {
    const jobId = crypto.randomUUID();
    await openScratch(jobId).transaction([{ sql: "CREATE TABLE forgotten (a)" }]);
    await inJobs(
      `INSERT INTO tmp_export_job_discards (job_id, object_key, upload_id, discarded_at_ms, is_scratch)
       VALUES (?1, ?1, '', 1, 1)`,
      jobId,
    );
    await look();
    expect(await countScratch(jobId)).toBe(0);
  });

  test("that no job knows discards itself", async () => {
    const namespace = (env as unknown as { EXPORT_SCRATCH: DurableObjectNamespace }).EXPORT_SCRATCH;
    const jobId = crypto.randomUUID();
    await openScratch(jobId).transaction([{ sql: "CREATE TABLE forgotten (a)" }]);
    const stub = namespace.getByName(jobId);
    const hours = await runInDurableObject(
      stub,
      async (_, { storage }) => (((await storage.getAlarm()) ?? 0) - Date.now()) / 3_600_000,
    );
    expect(hours).toBeGreaterThan(47);
    await runInDurableObject(stub, (object) => object.alarm?.());
    expect(await countScratch(jobId)).toBe(0);
    expect(await runInDurableObject(stub, (_, { storage }) => storage.getAlarm())).toBe(null);
  });
});
