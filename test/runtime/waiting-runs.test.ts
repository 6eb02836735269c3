import { env, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, test } from "vitest";

import type { JobView } from "../../src/api/job-view.ts";
import { RUNS_MAX, WAIT_MS_MAX } from "../../src/jobs/watchdog/verdict.ts";
import { runWatchdog, SLICE } from "../../src/jobs/watchdog/job-watchdog.ts";
import { api } from "../support/api.ts";
import { insertOrphan } from "../support/orphan-job.ts";
import { inJobs } from "../support/writing-job.ts";

const HOUR_MS = 3_600_000;

const prototype = Object.getPrototypeOf(env.EXPORT_WORKFLOW) as Workflow;
const methods = Object.getOwnPropertyDescriptors(prototype);

afterEach(async () => {
  Object.defineProperties(prototype, methods);
  await inJobs("DELETE FROM tmp_export_jobs");
});

/** From now on every instance is in `status`; gives what was asked of them. */
function answerStatus(status: InstanceStatus["status"]): string[] {
  const asked: string[] = [];
  prototype.get = (id) =>
    Promise.resolve({
      id,
      status: () => Promise.resolve({ status }),
      sendEvent: () => Promise.resolve(void asked.push(`event to ${id}`)),
      terminate: () => Promise.resolve(void asked.push(`terminate ${id}`)),
    } as unknown as WorkflowInstance);
  prototype.create = (options) => {
    asked.push(`create ${options?.id}`);
    return Promise.resolve({ id: options?.id ?? "" } as WorkflowInstance);
  };
  return asked;
}

async function change(jobId: string, set: string): Promise<void> {
  await inJobs(`UPDATE tmp_export_jobs SET ${set} WHERE job_id = ?`, jobId);
}

async function passTime(jobId: string, ms: number): Promise<void> {
  await change(
    jobId,
    `heartbeat_at_ms = heartbeat_at_ms - ${ms}, woken_at_ms = woken_at_ms - ${ms},
     waited_at_ms = waited_at_ms - ${ms}`,
  );
  await look();
}

async function look(): Promise<void> {
  await runInDurableObject(env.EXPORT_JOBS.getByName("jobs"), (_, { storage }) =>
    runWatchdog({ storage, sql: storage.sql, env }),
  );
}

async function view(jobId: string): Promise<JobView> {
  return (await api(`/export/dump/${jobId}`)).json<JobView>();
}

describe("an instance that is", () => {
  test.each([
    ["queued", "queued", "is queued: it starts after others have ended"],
    ["paused", "paused", "is paused: resume it, or delete the job"],
    ["waitingForPause", "paused", "is paused: resume it, or delete the job"],
  ] as const)("%s keeps its run for days, with a warning", async (status, _condition, words) => {
    const asked = answerStatus(status);
    const jobId = await insertOrphan();
    for (let n = 0; n < 3 * RUNS_MAX; n += 1) await passTime(jobId, HOUR_MS);
    expect(asked.filter((call) => !call.startsWith("event"))).toEqual([]);
    expect(await view(jobId)).toMatchObject({
      status: "queued",
      workflow: { run: 1, rescues: [] },
      warnings: [`the Workflow instance of run 1 ${words}`],
    });
  });

  test("queued for a week fails its job, which must not lock its database for ever", async () => {
    const asked = answerStatus("queued");
    const jobId = await insertOrphan();
    await passTime(jobId, HOUR_MS);
    await passTime(jobId, WAIT_MS_MAX);
    expect(await view(jobId)).toMatchObject({
      status: "failed",
      error: { code: "export-stalled", message: "its instance was queued for 7 days" },
    });
    expect(asked).toContain(`terminate ${jobId}-1`);
  });

  test("running after it was queued has its silence counted from then on", async () => {
    answerStatus("queued");
    const jobId = await insertOrphan();
    await passTime(jobId, HOUR_MS);
    const asked = answerStatus("running");
    await look();
    expect(asked).toEqual([]);
    expect((await view(jobId)).workflow.run).toBe(1);
  });

  test("ended after it was paused is replaced", async () => {
    answerStatus("paused");
    const jobId = await insertOrphan();
    await passTime(jobId, HOUR_MS);
    const asked = answerStatus("terminated");
    await passTime(jobId, HOUR_MS);
    expect(asked).toEqual([`create ${jobId}-2`]);
    expect((await view(jobId)).warnings).toHaveLength(1);
  });
});

describe("a job whose runs go silent", () => {
  test("may have any number of them, as long as each comes further", async () => {
    answerStatus("terminated");
    const jobId = await insertOrphan();
    const runs = 10 * RUNS_MAX;
    for (let run = 1; run <= runs; run += 1) {
      await change(jobId, "checkpoint = checkpoint + 1");
      await passTime(jobId, HOUR_MS);
    }
    const { status, workflow, warnings } = await view(jobId);
    expect([status, workflow.run]).toEqual(["queued", runs + 1]);
    expect(workflow.rescues).toHaveLength(20);
    expect(workflow.rescues.at(-1)?.run).toBe(runs);
    expect(warnings).toHaveLength(20);
  });

  test("fails after five that end at the same place", async () => {
    answerStatus("terminated");
    const jobId = await insertOrphan();
    await change(jobId, "checkpoint = 7");
    for (let run = 1; run <= RUNS_MAX; run += 1) await passTime(jobId, HOUR_MS);
    expect(await view(jobId)).toMatchObject({
      status: "failed",
      workflow: { run: RUNS_MAX },
      error: { code: "export-stalled" },
    });
  });

  test("has its next run's time counted from its start, however late in the alarm that is", async () => {
    answerStatus("terminated");
    const answers = Object.create(null, Object.getOwnPropertyDescriptors(prototype)) as Workflow;
    prototype.get = async (id) => {
      await scheduler.wait(300);
      return answers.get(id);
    };
    const jobId = await insertOrphan();
    const beforeMs = Date.now();
    await passTime(jobId, HOUR_MS);
    const [row] = await inJobs<{ heartbeat_at_ms: number }>(
      "SELECT heartbeat_at_ms FROM tmp_export_jobs WHERE job_id = ?",
      jobId,
    );
    expect(row?.heartbeat_at_ms).toBeGreaterThanOrEqual(beforeMs + 300);
  });

  test("is rescued by the first alarm, however many others are", async () => {
    answerStatus("terminated");
    const jobIds = [];
    for (let n = 0; n < 5 * SLICE; n += 1) jobIds.push(await insertOrphan());
    await inJobs("UPDATE tmp_export_jobs SET heartbeat_at_ms = heartbeat_at_ms - ?", HOUR_MS);
    await look();
    expect(await inJobs("SELECT 1 FROM tmp_export_jobs WHERE run = 1")).toEqual([]);
  });
});
