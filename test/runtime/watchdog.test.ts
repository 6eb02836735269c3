import {
  env,
  evictDurableObject,
  introspectWorkflow,
  introspectWorkflowInstance,
  runDurableObjectAlarm,
  runInDurableObject,
} from "cloudflare:test";
import { beforeEach, describe, expect, test } from "vitest";

import type { JobView } from "../../src/api/job-view.ts";
import { ENDINGS_MAX } from "../../src/api/limits.ts";
import { RUNS_MAX } from "../../src/jobs/watchdog/verdict.ts";
import { removeDiscards } from "../../src/jobs/commands/remove-discards.ts";
import { findNextAlarmMs } from "../../src/jobs/commands/schedule-watchdog.ts";
import { listUnclosedJobs } from "../../src/jobs/tables/job-due-columns.ts";
import { runWatchdog, SLICE } from "../../src/jobs/watchdog/job-watchdog.ts";
import { hangSteps } from "../support/faulty-steps.ts";
import { insertOrphan } from "../support/orphan-job.ts";
import { listStoredKeys } from "../support/stored-keys.ts";
import {
  api,
  download,
  emptyDatabase,
  ended,
  query,
  snapshotObjects,
  startExport,
} from "../support/api.ts";

const jobs = () => env.EXPORT_JOBS.getByName("jobs");

const HOUR_MS = 3_600_000;

/** Runs SQL over a job's row. */
async function change(jobId: string, set: string): Promise<void> {
  await runInDurableObject(jobs(), (_, { storage }) => {
    storage.sql.exec(`UPDATE tmp_export_jobs SET ${set} WHERE job_id = ?`, jobId);
  });
}

/** Lets the watchdog look, as if the job had been silent for an hour. */
async function lookAfterAnHour(jobId: string): Promise<void> {
  await change(
    jobId,
    `heartbeat_at_ms = heartbeat_at_ms - ${HOUR_MS}, woken_at_ms = woken_at_ms - ${HOUR_MS / 2}`,
  );
  await runAlarm();
}

async function runAlarm(): Promise<void> {
  await runInDurableObject(jobs(), (_, { storage }) => storage.setAlarm(Date.now() + HOUR_MS));
  await runDurableObjectAlarm(jobs());
}

async function view(jobId: string): Promise<JobView> {
  return (await api(`/export/dump/${jobId}`)).json<JobView>();
}

/** The state in a job's row, which the watchdog moves. */
async function stateOf(jobId: string): Promise<string> {
  return runInDurableObject(
    jobs(),
    (_, { storage }) =>
      storage.sql
        .exec<{ state: string }>("SELECT state FROM tmp_export_jobs WHERE job_id = ?", jobId)
        .one().state,
  );
}

async function fill(rows: number): Promise<void> {
  await query(
    "CREATE TABLE t(id INTEGER PRIMARY KEY, note TEXT)",
    `INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows})
     SELECT i, hex(zeroblob(60)) FROM n`,
  );
}

beforeEach(emptyDatabase);

/**
 * Returns the sentence about a silence of `seconds` with which a reason starts. Seconds that the test itself has taken
 * since `startedAtMs` may be part of the silence: the reason is only as exact as the machine is fast.
 */
function expectedSilence(reason: string, seconds: number, startedAtMs: number): string {
  const found = Number(/\d+/.exec(reason)?.[0]);
  const most = seconds + Math.ceil((Date.now() - startedAtMs) / 1_000);
  return `it was silent for ${Math.min(Math.max(found, seconds), most)} s`;
}

describe("a silent run", () => {
  test("whose instance was never made is replaced at once, and the view tells why", async () => {
    await fill(100);
    const startedAtMs = Date.now();
    const jobId = await insertOrphan();
    await runAlarm();
    expect((await view(jobId)).workflow.run).toBe(1);
    await lookAfterAnHour(jobId);
    const done = await ended(jobId);
    const silence = expectedSilence(done.workflow.rescues[0]?.reason ?? "", 3_600, startedAtMs);
    const reason = `${silence}, and its instance has ended`;
    expect(done).toMatchObject({
      status: "completed",
      workflow: { run: 2, rescues: [{ run: 1, at: expect.any(String), reason }] },
    });
    expect(done.warnings).toEqual([
      `run 1 was replaced by run 2, which resumed from its checkpoint: ${reason}`,
    ]);
    expect(new TextDecoder().decode(await download(jobId))).toContain("(100,");
    expect(await snapshotObjects()).toEqual([]);
  });

  test("is woken first, and replaced by the next run where that does not help", async () => {
    await fill(100);
    const steps = hangSteps((name, run) => run === 1 && name === "close snapshot");
    const startedAtMs = Date.now();
    const { jobId } = await startExport();
    while (steps.reached.length === 0) await scheduler.wait(5);
    await using rescuer = await introspectWorkflowInstance(env.EXPORT_WORKFLOW, `${jobId}-2`);
    for (const run of [1, 2]) {
      await lookAfterAnHour(jobId);
      expect((await view(jobId)).workflow.run).toBe(run);
    }
    const done = await ended(jobId);
    steps.restore();
    const reason = expectedSilence(done.workflow.rescues[0]?.reason ?? "", 7_200, startedAtMs);
    expect(done).toMatchObject({
      status: "completed",
      workflow: { run: 2, rescues: [{ run: 1, reason }] },
    });
    expect(await rescuer.waitForStepResult({ name: "open snapshot" })).toMatchObject({
      run: 2,
      goesOnFrom: expect.any(Number),
      rescued: reason,
    });
    expect(await snapshotObjects()).toEqual([]);
  });

  test("costs its job no run while Workflows cannot be reached", async () => {
    await fill(10);
    const jobId = await insertOrphan();
    const prototype = Object.getPrototypeOf(env.EXPORT_WORKFLOW) as Workflow;
    const methods = Object.getOwnPropertyDescriptors(prototype);
    prototype.create = () => Promise.reject(new Error("internal error"));
    for (let n = 0; n < RUNS_MAX; n += 1) await lookAfterAnHour(jobId);
    Object.defineProperties(prototype, methods);
    expect(await view(jobId)).toMatchObject({
      status: "queued",
      workflow: { run: 1, rescues: [] },
    });
    await runAlarm();
    expect(await ended(jobId)).toMatchObject({ status: "completed", workflow: { run: 2 } });
  });

  test("that works again while Workflows is asked about it is left alone", async () => {
    const jobId = await insertOrphan();
    const prototype = Object.getPrototypeOf(env.EXPORT_WORKFLOW) as Workflow;
    const methods = Object.getOwnPropertyDescriptors(prototype);
    const real = Object.create(null, methods) as Workflow;
    const storage = await runInDurableObject(jobs(), (_, state) => state.storage);
    prototype.get = function (this: Workflow, id) {
      const beat = "UPDATE tmp_export_jobs SET heartbeat_at_ms = ? WHERE job_id = ?";
      storage.sql.exec(beat, Date.now(), jobId);
      return real.get.call(this, id);
    };
    await lookAfterAnHour(jobId);
    Object.defineProperties(prototype, methods);
    expect((await view(jobId)).workflow).toMatchObject({ run: 1, rescues: [] });
    await api(`/export/dump/${jobId}`, { method: "DELETE" });
  });

  test("that is the last one fails its job, which leaves nothing behind", async () => {
    const jobId = await insertOrphan();
    const rescues = Array.from({ length: RUNS_MAX - 1 }, (_, at) => ({
      run: at + 1,
      atMs: 1,
      reason: "it was silent",
      place: "0/0",
    }));
    await change(jobId, `run = ${RUNS_MAX}, rescues_json = '${JSON.stringify(rescues)}'`);
    await lookAfterAnHour(jobId);
    expect(await view(jobId)).toMatchObject({
      status: "failed",
      error: {
        code: "export-stalled",
        message: `${RUNS_MAX} runs in a row went silent at the same place`,
      },
    });
  });

  test("goes on from its checkpoint, byte for byte, once its instance was ended behind its back", async () => {
    await fill(120_000);
    const whole = await ended((await startExport()).jobId);
    await using workflows = await introspectWorkflow(env.EXPORT_WORKFLOW);
    const { jobId } = await startExport();
    while ((await view(jobId)).progress.rows === 0) await scheduler.wait(5);
    await (await env.EXPORT_WORKFLOW.get(`${jobId}-1`)).terminate();
    const { rows } = (await view(jobId)).progress;
    await lookAfterAnHour(jobId);
    const done = await ended(jobId);
    expect(done).toMatchObject({ status: "completed", workflow: { run: 2 } });
    expect(rows).toBeLessThan(120_000);
    expect(done.artifacts[0]?.sha256).toBe(whole.artifacts[0]?.sha256);
    expect(done.usage.rowsRead).toBeLessThan(whole.usage.rowsRead * 1.5);
    expect(await snapshotObjects()).toEqual([]);
    expect((await workflows.get()).length).toBe(2);
  });
});

describe("a cancelled export", () => {
  test("has its snapshot closed, and its lock freed at once", async () => {
    await fill(120_000);
    const { jobId } = await startExport();
    while ((await view(jobId)).progress.rows === 0) await scheduler.wait(5);
    expect(await snapshotObjects()).not.toEqual([]);
    const response = await api(`/export/dump/${jobId}`, { method: "DELETE" });
    expect(await response.json()).toMatchObject({ status: "cancelled" });
    while ((await snapshotObjects()).length > 0) await scheduler.wait(10);
    while ((await view(jobId)).warnings.length > 0) await scheduler.wait(10);
  });

  test("that is cancelled as it completes ends as one of the two, with nothing left", async () => {
    await fill(2_000);
    const ends = new Set<number>();
    for (let n = 0; n < 24; n += 1) {
      const { jobId } = await startExport();
      // From the first step to some time after the last.
      const rounds = Math.floor(Math.random() * 60);
      for (let round = 0; round < rounds; round += 1) {
        if ((await view(jobId)).status === "completed") break;
      }
      const response = await api(`/export/dump/${jobId}`, { method: "DELETE" });
      await response.body?.cancel();
      ends.add(response.status);
      const after = await api(`/export/dump/${jobId}`);
      if (response.status === 204) expect(after.status).toBe(404);
      else expect(await after.json()).toMatchObject({ status: "cancelled", artifacts: [] });
      while ((await snapshotObjects()).length > 0) await scheduler.wait(5);
      // What was being sent meanwhile is removed as the watchdog does it, a minute later.
      await expect
        .poll(async () => {
          await runInDurableObject(jobs(), (_, { storage }) =>
            removeDiscards({ storage, sql: storage.sql, env }, jobId),
          );
          return listStoredKeys(jobId);
        })
        .toEqual([]);
    }
    expect(ends).toContain(200);
  });

  test("whose closing was lost is closed by the watchdog, which the view tells meanwhile", async () => {
    await fill(10);
    const done = await ended((await startExport()).jobId);
    await change(done.jobId, `snapshot_open = 1, completed_at_ms = completed_at_ms - ${HOUR_MS}`);
    expect((await view(done.jobId)).warnings).toEqual([
      expect.stringContaining("snapshot-not-closed"),
    ]);
    await runAlarm();
    while ((await view(done.jobId)).warnings.length > 0) await scheduler.wait(10);
  });
});

describe("a deleted export", () => {
  test("whose snapshot is still open has it closed all the same", async () => {
    await fill(120_000);
    const { jobId } = await startExport();
    while ((await view(jobId)).progress.rows === 0) await scheduler.wait(5);
    await (await env.EXPORT_WORKFLOW.get(`${jobId}-1`)).terminate();
    await change(jobId, "state = 'failed', completed_at_ms = heartbeat_at_ms");
    expect(await snapshotObjects()).not.toEqual([]);
    expect((await api(`/export/dump/${jobId}`, { method: "DELETE" })).status).toBe(204);
    expect((await api(`/export/dump/${jobId}`)).status).toBe(404);
    while ((await snapshotObjects()).length > 0) await scheduler.wait(10);
    const streams = () =>
      runInDurableObject(jobs(), (_, { storage }) =>
        storage.sql.exec("SELECT * FROM tmp_export_streams").toArray(),
      );
    while ((await streams()).length > 0) await scheduler.wait(10);
  });
});

/** How many rows a job has in the tables that an expired job does not need. */
function rowsOf(jobId: string): Promise<number> {
  return runInDurableObject(
    jobs(),
    (_, { storage }) =>
      storage.sql
        .exec<{ n: number }>(
          `SELECT (SELECT count(*) FROM tmp_export_job_tables WHERE job_id = ?1)
             + (SELECT count(*) FROM tmp_export_job_artifacts WHERE job_id = ?1)
             + (SELECT count(*) FROM tmp_export_job_chunks WHERE job_id = ?1) AS n`,
          jobId,
        )
        .one().n,
  );
}

describe("retention", () => {
  test("removes the files, answers 410 after, and forgets the job in the end", async () => {
    await fill(10);
    const { jobId } = await ended((await startExport({ retentionHours: 1 })).jobId);
    await runAlarm();
    await change(jobId, "warnings_json = '[\"a warning\"]'");
    await runInDurableObject(jobs(), (_, { storage }) => {
      storage.sql.exec("UPDATE tmp_export_job_tables SET replacements = 3 WHERE job_id = ?", jobId);
    });
    const before = await view(jobId);
    expect(before).toMatchObject({ status: "completed", tables: [{ name: "t" }] });
    expect(before.warnings).toEqual(["a warning", expect.stringContaining("not valid UTF-8")]);
    await change(jobId, "expires_at_ms = 1");
    await runAlarm();
    expect(await stateOf(jobId)).toBe("expired");
    const { tablesTotal, rows, bytes } = before.progress;
    expect(await view(jobId)).toMatchObject({
      status: "expired",
      tables: [],
      artifacts: [],
      progress: { percent: 100, tablesDone: tablesTotal, tablesTotal, rows, bytes },
      snapshotAt: before.snapshotAt,
      usage: before.usage,
      warnings: before.warnings,
    });
    expect(await rowsOf(jobId)).toBe(0);
    const gone = await api(`/export/dump/${jobId}/download`);
    expect(gone.status).toBe(410);
    await gone.body?.cancel();
    expect(await listStoredKeys(jobId)).toEqual([]);
    await change(jobId, "completed_at_ms = 1");
    await runAlarm();
    expect((await api(`/export/dump/${jobId}`)).status).toBe(404);
  });
});

test("what the store refuses to delete is tried again in a minute, not at once", async () => {
  await fill(10);
  const { jobId } = await ended((await startExport()).jobId);
  await change(jobId, "expires_at_ms = 1");
  const nextMs = await runInDurableObject(jobs(), (_, { storage }) =>
    findNextAlarmMs(storage.sql, { nowMs: 1_000_000, stallMs: 300_000 }),
  );
  expect(nextMs).toBe(1_060_000);
  await runAlarm();
  expect(await stateOf(jobId)).toBe("expired");
});

test("files that resist keep no other job's from being removed", async () => {
  const resisting: string[] = [];
  for (let n = 0; n < SLICE; n += 1) resisting.push(await insertOrphan());
  const last = await insertOrphan();
  await runInDurableObject(jobs(), (_, { storage }) => {
    for (const jobId of [...resisting, last]) {
      storage.sql.exec(
        "INSERT INTO tmp_export_job_discards (job_id, object_key, upload_id, discarded_at_ms) VALUES (?, ?, '', 1)",
        jobId,
        `exports/${jobId}/discarded`,
      );
    }
  });
  for (const jobId of [...resisting, last]) {
    await change(jobId, "state = 'completed', snapshot_id = 's', expires_at_ms = 1");
  }
  const prototype = Object.getPrototypeOf(env.EXPORT_R2_BUCKET) as R2Bucket;
  const methods = Object.getOwnPropertyDescriptors(prototype);
  const real = Object.create(null, methods) as R2Bucket;
  prototype.delete = function (this: R2Bucket, keys) {
    if (resisting.some((jobId) => keys.toString().includes(jobId))) throw new Error("no (10001)");
    return real.delete.call(this, keys);
  };
  const discarded = () =>
    runInDurableObject(jobs(), (_, { storage }) =>
      storage.sql
        .exec("SELECT job_id FROM tmp_export_job_discards WHERE object_key LIKE '%/discarded'")
        .toArray(),
    );
  await runAlarm();
  await runAlarm();
  expect(await stateOf(last)).toBe("expired");
  expect(await discarded()).toHaveLength(SLICE);
  Object.defineProperties(prototype, methods);
  await runAlarm();
  for (const jobId of resisting) expect(await stateOf(jobId)).toBe("expired");
  await runInDurableObject(jobs(), (_, { storage }) => {
    storage.sql.exec(
      "UPDATE tmp_export_job_discards SET discarded_at_ms = 1 WHERE object_key LIKE '%/discarded'",
    );
  });
  await runAlarm();
  expect(await discarded()).toEqual([]);
});

test("a task that never answers keeps no other from being done", async () => {
  const [silent, last] = [await insertOrphan(), await insertOrphan()];
  for (const jobId of [silent, last]) {
    await change(jobId, `heartbeat_at_ms = heartbeat_at_ms - ${HOUR_MS}`);
  }
  await change(silent, "heartbeat_at_ms = heartbeat_at_ms - 1");
  const prototype = Object.getPrototypeOf(env.EXPORT_WORKFLOW) as Workflow;
  const methods = Object.getOwnPropertyDescriptors(prototype);
  const real = Object.create(null, methods) as Workflow;
  prototype.get = function (this: Workflow, id) {
    return id.startsWith(silent) ? new Promise(() => {}) : real.get.call(this, id);
  };
  await runInDurableObject(jobs(), (_, { storage }) =>
    runWatchdog({ storage, sql: storage.sql, env }, { taskMs: 200 }),
  );
  Object.defineProperties(prototype, methods);
  expect((await view(silent)).workflow.run).toBe(1);
  expect((await view(last)).workflow.run).toBe(2);
  for (const jobId of [silent, last]) await api(`/export/dump/${jobId}`, { method: "DELETE" });
});

test("one instance at a time ends what a job has left, however often the alarm runs", async () => {
  const jobId = await insertOrphan();
  const left = "snapshot_open = 1, callback_status = 'pending', completed_at_ms = 1";
  await change(jobId, `state = 'failed', ${left}`);
  await runAlarm();
  await runAlarm();
  const { endings } = await runInDurableObject(jobs(), (_, { storage }) =>
    storage.sql
      .exec<{ endings: number }>("SELECT endings FROM tmp_export_jobs WHERE job_id = ?", jobId)
      .one(),
  );
  expect(endings).toBe(1);
  await change(jobId, "snapshot_open = 0, callback_status = 'none'");
});

test("a snapshot that resists is closed ever less often", async () => {
  const jobId = await insertOrphan();
  await change(jobId, "state = 'failed', snapshot_open = 1, completed_at_ms = 0, ending_at_ms = 0");
  const isListed = async (endings: number, afterMs: number): Promise<boolean> => {
    await change(jobId, `endings = ${endings}`);
    return runInDurableObject(jobs(), (_, { storage }) =>
      listUnclosedJobs(storage.sql, { nowMs: afterMs, limit: SLICE }).some(
        (job) => job.job_id === jobId,
      ),
    );
  };
  expect(await isListed(0, 180_000)).toBe(true);
  expect(await isListed(1, 180_000)).toBe(false);
  expect(await isListed(1, 360_000)).toBe(true);
  expect(await isListed(ENDINGS_MAX - 1, 180_000 << 9)).toBe(true);
  await change(jobId, "snapshot_open = 0");
});

/** When the alarm is next due, counted from now, of a job that is alone and ended as `assignments` say. */
async function nextAlarmOf(assignments: string): Promise<{ jobId: string; inMs: number | null }> {
  const jobId = await insertOrphan();
  await change(jobId, `state = 'failed', completed_at_ms = ${Date.now()}, ${assignments}`);
  const inMs = await runInDurableObject(jobs(), (_, { storage }) => {
    for (const table of ["job_discards", "streams"]) {
      storage.sql.exec(`DELETE FROM tmp_export_${table}`);
    }
    storage.sql.exec("DELETE FROM tmp_export_jobs WHERE job_id <> ?", jobId);
    const nowMs = Date.now();
    const atMs = findNextAlarmMs(storage.sql, { nowMs, stallMs: 300_000 });
    return atMs === null ? null : atMs - nowMs;
  });
  return { jobId, inMs };
}

const DAY_MS = 24 * HOUR_MS;

test.each([
  [
    "a callback is due in 12 hours",
    `callback_status = 'pending', callback_next_attempt_at_ms = ${Date.now() + 12 * HOUR_MS}`,
    12 * HOUR_MS,
  ],
  [
    "a snapshot that resists is due in 6 hours",
    `snapshot_open = 1, endings = 7, ending_at_ms = ${Date.now()}`,
    180_000 << 7,
  ],
  ["only the job's row is left, for 30 days", "snapshot_open = 0", 30 * DAY_MS],
  ["a snapshot is abandoned", `snapshot_open = 1, endings = ${ENDINGS_MAX}`, 30 * DAY_MS],
])("the alarm sleeps until something is due: %s", async (_, assignments, dueInMs) => {
  const { jobId, inMs } = await nextAlarmOf(assignments);
  expect(inMs).toBeGreaterThan(dueInMs - 600_000);
  expect(inMs).toBeLessThan(dueInMs + 600_000);
  await change(jobId, "snapshot_open = 0, callback_status = 'none'");
});

test("a snapshot that resists for good is abandoned, which the view tells as long as there is one", async () => {
  const jobId = await insertOrphan();
  await change(
    jobId,
    `state = 'failed', snapshot_open = 1, completed_at_ms = 1, ending_at_ms = 1, endings = ${ENDINGS_MAX}`,
  );
  const { warnings } = await view(jobId);
  expect(warnings).toEqual([
    expect.stringMatching(/^snapshot-not-closed: .* closing was abandoned after 12 attempts/),
  ]);
  await runAlarm();
  expect((await api(`/export/dump/${jobId}`)).status).toBe(404);
});

test("a stream whose snapshot resists for good is forgotten", async () => {
  const streams = () =>
    runInDurableObject(jobs(), (_, { storage }) =>
      storage.sql.exec("SELECT stream_id FROM tmp_export_streams").toArray(),
    );
  await runInDurableObject(jobs(), (_, { storage }) => {
    storage.sql.exec(
      `INSERT INTO tmp_export_streams VALUES ('gone', 'd1 gone', '{"source":"gone"}', ?, 1, 2, ?, 3)`,
      crypto.randomUUID(),
      ENDINGS_MAX,
    );
  });
  expect(await streams()).toHaveLength(1);
  await runAlarm();
  expect(await streams()).toEqual([]);
});

test("an alarm that was lost is set again when the object is needed", async () => {
  const jobId = await insertOrphan();
  await runInDurableObject(jobs(), (_, { storage }) => storage.deleteAlarm());
  await evictDurableObject(jobs());
  await view(jobId);
  const alarm = await runInDurableObject(jobs(), (_, { storage }) => storage.getAlarm());
  expect(alarm).toBeLessThan(Date.now() + 60_000);
  await api(`/export/dump/${jobId}`, { method: "DELETE" });
});

test("an alarm is set while anything is to be looked after, and may run early, late and twice", async () => {
  await fill(10);
  const { jobId } = await startExport();
  const alarm = () => runInDurableObject(jobs(), (_, { storage }) => storage.getAlarm());
  expect(await alarm()).toBeLessThan(Date.now() + 60_000);
  await runAlarm();
  await runAlarm();
  expect(await ended(jobId)).toMatchObject({ status: "completed", workflow: { run: 1 } });
  await runAlarm();
  expect(await alarm()).not.toBeNull();
});
