import { env, introspectWorkflow, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import type { JobView } from "../../src/api/job-view.ts";
import { runWatchdog } from "../../src/jobs/watchdog/job-watchdog.ts";
import { api, download, emptyDatabase, ended, query, startExport } from "../support/api.ts";
import { hangSteps } from "../support/faulty-steps.ts";
import { insertOrphan } from "../support/orphan-job.ts";
import { inJobs } from "../support/writing-job.ts";

const HOUR_MS = 3_600_000;
const SECOND_RUN = expect.stringMatching(/-2$/);

const prototype = Object.getPrototypeOf(env.EXPORT_WORKFLOW) as Workflow;
const methods = Object.getOwnPropertyDescriptors(prototype);
const real = Object.create(null, methods) as Workflow;
const jobs = () => env.EXPORT_JOBS.getByName("jobs");

const watchdog = { isCutOff: false };

/** Whoever waits for this is cut off: what follows is never done. */
const cutOff = (): Promise<never> => {
  watchdog.isCutOff = true;
  return new Promise(() => {});
};

const restoreWorkflows = (): void => {
  Object.defineProperties(prototype, methods);
};

let restoreSteps = (): void => {};

beforeEach(async () => {
  await emptyDatabase();
  await query("CREATE TABLE t(a)", "INSERT INTO t VALUES (1), (2)");
});

afterEach(async () => {
  restoreWorkflows();
  restoreSteps();
  vi.restoreAllMocks();
  await inJobs("DELETE FROM tmp_export_jobs");
});

/** Lets the watchdog look at a job as if it had been silent for an hour more. */
async function lookAfterAnHour(): Promise<void> {
  await inJobs(
    `UPDATE tmp_export_jobs SET heartbeat_at_ms = heartbeat_at_ms - ${HOUR_MS},
       woken_at_ms = woken_at_ms - ${HOUR_MS / 2}`,
  );
  await runInDurableObject(jobs(), (_, { storage }) =>
    runWatchdog({ storage, sql: storage.sql, env }),
  );
}

/** The same, until the watchdog is cut off. It is polled: what is cut off has no end to wait for. */
async function lookUntilCutOff(): Promise<void> {
  watchdog.isCutOff = false;
  void lookAfterAnHour().catch(() => {});
  while (!watchdog.isCutOff) await scheduler.wait(5);
  restoreWorkflows();
}

async function view(jobId: string): Promise<JobView> {
  return (await api(`/export/dump/${jobId}`)).json<JobView>();
}

/** A job whose first run hangs, and was woken in vain. */
async function hangFirstRun(): Promise<string> {
  const steps = hangSteps((name, run) => run === 1 && name === "close snapshot");
  restoreSteps = steps.restore;
  const { jobId } = await startExport();
  while (steps.reached.length === 0) await scheduler.wait(5);
  await lookAfterAnHour();
  return jobId;
}

/** Expects that a job completes by its second run, as if nobody had been cut off. */
async function expectOneRescue(jobId: string): Promise<void> {
  const done = await ended(jobId);
  expect(done).toMatchObject({
    status: "completed",
    error: null,
    workflow: {
      run: 2,
      rescues: [{ run: 1, reason: expect.stringMatching(/^it was silent for/) }],
    },
  });
  expect(new TextDecoder().decode(await download(jobId))).toContain("(2,2);");
}

describe("a watchdog that replaces a run and is cut off", () => {
  test("before anything is done replaces it at its next alarm", async () => {
    const jobId = await hangFirstRun();
    prototype.get = cutOff;
    await lookUntilCutOff();
    expect((await view(jobId)).workflow).toMatchObject({ run: 1, rescues: [] });
    await lookAfterAnHour();
    await expectOneRescue(jobId);
  });

  test("after the old instance was terminated replaces it at its next alarm", async () => {
    const jobId = await hangFirstRun();
    prototype.create = cutOff;
    await lookUntilCutOff();
    const { status } = await (await env.EXPORT_WORKFLOW.get(`${jobId}-1`)).status();
    expect(status).toBe("terminated");
    expect((await view(jobId)).workflow).toMatchObject({ run: 1, rescues: [] });
    await lookAfterAnHour();
    await expectOneRescue(jobId);
  });

  test("after the new instance was made leaves the job to that instance", async () => {
    const jobId = await hangFirstRun();
    await using workflows = await introspectWorkflow(env.EXPORT_WORKFLOW);
    prototype.create = async function (this: Workflow, options) {
      await real.create.call(this, options);
      return cutOff();
    };
    await lookUntilCutOff();
    await expectOneRescue(jobId);
    expect(await workflows.get()).toHaveLength(1);
  });

  test("before the new instance starts moves the row at its next alarm, which makes no other", async () => {
    const jobId = await insertOrphan();
    const made: string[] = [];
    const create: Workflow["create"] = (options) => {
      const id = options?.id ?? "";
      if (made.includes(id)) return Promise.reject(new Error("instance.already_exists"));
      made.push(id);
      return cutOff();
    };
    prototype.create = create;
    await lookUntilCutOff();
    expect((await view(jobId)).workflow).toMatchObject({ run: 1, rescues: [] });
    prototype.create = create;
    await lookAfterAnHour();
    expect(made).toEqual([SECOND_RUN]);
    expect((await view(jobId)).workflow).toMatchObject({ run: 2, rescues: [{ run: 1 }] });
  });

  test("after the row was moved has nothing left to do", async () => {
    const jobId = await hangFirstRun();
    await lookAfterAnHour();
    const { heartbeat_at_ms: movedAtMs } = (
      await inJobs<{ heartbeat_at_ms: number }>("SELECT heartbeat_at_ms FROM tmp_export_jobs")
    )[0] ?? { heartbeat_at_ms: 0 };
    expect(movedAtMs).toBeGreaterThan(Date.now() - HOUR_MS);
    await expectOneRescue(jobId);
  });
});

test("a watchdog that gets an error although the new instance was made leaves the job to that instance", async () => {
  const jobId = await hangFirstRun();
  await using workflows = await introspectWorkflow(env.EXPORT_WORKFLOW);
  prototype.create = async function (this: Workflow, options) {
    await real.create.call(this, options);
    throw new Error("internal error");
  };
  await lookAfterAnHour();
  restoreWorkflows();
  await expectOneRescue(jobId);
  expect(await workflows.get()).toHaveLength(1);
});

test("an old instance that cannot be ended keeps no job from its next run", async () => {
  const jobId = await hangFirstRun();
  const realTimeout = setTimeout;
  vi.spyOn(globalThis, "setTimeout").mockImplementation((work: () => void, ms?: number) =>
    realTimeout(work, (ms ?? 0) / 100),
  );
  prototype.get = async function (this: Workflow, id) {
    const instance = await real.get.call(this, id);
    const status = () => instance.status();
    return { id, status, terminate: cutOff } as unknown as WorkflowInstance;
  };
  await lookAfterAnHour();
  restoreWorkflows();
  vi.restoreAllMocks();
  await expectOneRescue(jobId);
});

describe("a run that finds its job one run behind", () => {
  test("takes it over, once", async () => {
    const jobId = await insertOrphan();
    const next = { jobId, run: 2, rescuedFor: "it was silent" };
    for (let n = 0; n < 2; n += 1) {
      expect(await jobs().beginRun(next)).toMatchObject({
        ok: true,
        value: { rescuedFor: "it was silent" },
      });
    }
    const { status, workflow } = await view(jobId);
    expect(status).toBe("running");
    expect(workflow).toMatchObject({ run: 2, rescues: [{ run: 1, reason: "it was silent" }] });
    expect(await jobs().beat({ jobId, run: 1 })).toMatchObject({
      failure: { code: "run-superseded" },
    });
  });

  test.each([
    ["the watchdog did not make it", { run: 2 }, "state = state"],
    ["it replaces another run", { run: 3, rescuedFor: "it was silent" }, "state = state"],
    ["the job has ended", { run: 2, rescuedFor: "it was silent" }, "state = 'cancelled'"],
  ])("is refused if %s", async (_, run, change) => {
    const jobId = await insertOrphan();
    await inJobs(`UPDATE tmp_export_jobs SET ${change}`);
    expect(await jobs().beginRun({ jobId, ...run })).toMatchObject({
      ok: false,
      failure: { code: "run-superseded" },
    });
    expect((await view(jobId)).workflow).toMatchObject({ run: 1, rescues: [] });
  });
});
