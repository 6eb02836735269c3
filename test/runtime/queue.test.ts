import { env, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import type { JobView } from "../../src/api/job-view.ts";
import { JOBS_RUNNING_DEFAULT } from "../../src/api/limits.ts";
import { startScheduledExports } from "../../src/intake/scheduled.ts";
import type { JobsContext } from "../../src/jobs/jobs-context.ts";
import { runWatchdog } from "../../src/jobs/watchdog/job-watchdog.ts";
import { unwrap } from "../../src/rpc/outcome.ts";
import { api, ended, startExport } from "../support/api.ts";
import { openCopy, restored, startRestore, viewRestore } from "../support/restores.ts";
import { inJobs } from "../support/writing-job.ts";

const jobs = () => env.EXPORT_JOBS.getByName("jobs");

const prototype = Object.getPrototypeOf(env.EXPORT_WORKFLOW) as Workflow;
const methods = Object.getOwnPropertyDescriptors(prototype);

/** Sets EXPORT_JOBS_RUNNING_MAX for the jobs object. */
async function setRunningMax(max: number): Promise<void> {
  await runInDurableObject(jobs(), (object) => {
    const { jobs: context } = object as unknown as { jobs: JobsContext };
    context.env = { ...env, EXPORT_JOBS_RUNNING_MAX: String(max) } as never;
  });
}

/** From now on instances are created in name only; returns the ids of those, in order. */
function keepInstances(): string[] {
  const created: string[] = [];
  prototype.create = (options) => {
    created.push(options?.id ?? "");
    return Promise.resolve({ id: options?.id ?? "" } as WorkflowInstance);
  };
  return created;
}

const startTenant = (name: string, headers: HeadersInit = {}): Promise<JobView> =>
  startExport({ source: "tenants", name }, headers);

async function view(jobId: string): Promise<JobView> {
  return (await api(`/export/dump/${jobId}`)).json<JobView>();
}

async function fail(jobId: string): Promise<void> {
  await jobs().fail({ jobId, run: 1 }, { code: "source-unavailable", message: "the test says so" });
}

async function look(): Promise<void> {
  await runInDurableObject(jobs(), (object) =>
    runWatchdog((object as unknown as { jobs: JobsContext }).jobs),
  );
}

beforeEach(() => setRunningMax(2));

afterEach(async () => {
  Object.defineProperties(prototype, methods);
  await inJobs("DELETE FROM tmp_export_jobs");
});

test("of 500 exports that start at once none is lost, 20 run, and the others start in order", async () => {
  await setRunningMax(JOBS_RUNNING_DEFAULT);
  const created = keepInstances();
  const names = Array.from({ length: 500 }, (_, n) => `tenant ${n}`);
  const started = await Promise.all(names.map((name) => startTenant(name)));
  expect(created).toHaveLength(JOBS_RUNNING_DEFAULT);
  const queued = await inJobs<{ job_id: string }>(
    "SELECT job_id FROM tmp_export_jobs WHERE queue_number IS NOT NULL ORDER BY queue_number",
  );
  expect(queued).toHaveLength(480);

  for (let ends = 0; ends < created.length; ends += 1) {
    await fail(created[ends]?.slice(0, -"-1".length) ?? "");
    expect(created.length).toBe(Math.min(500, JOBS_RUNNING_DEFAULT + ends + 1));
  }
  expect(created.slice(JOBS_RUNNING_DEFAULT)).toEqual(queued.map(({ job_id }) => `${job_id}-1`));
  expect(new Set(created)).toEqual(new Set(started.map(({ jobId }) => `${jobId}-1`)));
});

test("every job of a queue is completed, and never more than EXPORT_JOBS_RUNNING_MAX run", async () => {
  const names = Array.from({ length: 6 }, (_, n) => `real ${n}`);
  const started = await Promise.all(names.map((name) => startTenant(name)));
  const running = async (): Promise<number> => {
    const [row] = await inJobs<{ n: number }>(
      "SELECT count(*) AS n FROM tmp_export_jobs WHERE state = 'running'",
    );
    return row?.n ?? 0;
  };
  let most = 0;
  const over = Promise.all(started.map(({ jobId }) => ended(jobId)));
  const isOver = () => Promise.race([over.then(() => true), scheduler.wait(5).then(() => false)]);
  do most = Math.max(most, await running());
  while (!(await isOver()));
  expect((await over).map(({ status }) => status)).toEqual(names.map(() => "completed"));
  expect(most).toBeGreaterThan(0);
  expect(most).toBeLessThanOrEqual(2);
});

describe("a job in the queue", () => {
  test("reports its position, which falls as the jobs before it end", async () => {
    keepInstances();
    const [first, , third, fourth] = await Promise.all(
      ["a", "b", "c", "d"].map((n) => startTenant(n)),
    );
    expect([first?.queuePosition, third?.queuePosition]).toEqual([null, 1]);
    const jobId = fourth?.jobId ?? "";
    expect(await view(jobId)).toMatchObject({ status: "queued", queuePosition: 2, warnings: [] });
    const { version } = unwrap(await jobs().viewIfChanged(jobId, ""));
    await fail(first?.jobId ?? "");
    expect(unwrap(await jobs().viewIfChanged(jobId, version)).view?.queuePosition).toBe(1);
    await fail(third?.jobId ?? "");
    expect(await view(jobId)).toMatchObject({ status: "queued", queuePosition: null });
  });

  test("locks its database, is found by its key, and is listed", async () => {
    keepInstances();
    await startTenant("a");
    await startTenant("b");
    const key = { "idempotency-key": crypto.randomUUID() };
    const { jobId } = await startTenant("c", key);
    expect((await startTenant("c", key)).jobId).toBe(jobId);
    const body = JSON.stringify({ source: "tenants", name: "c" });
    const second = await api("/export/dump", { method: "POST", body });
    expect(await second.json()).toMatchObject({ code: "export-already-running", jobId });
    const page = await (await api("/export/jobs?status=queued")).json<{ jobs: JobView[] }>();
    expect(page.jobs).toContainEqual(expect.objectContaining({ jobId, queuePosition: 1 }));
  });

  test("is cancelled without an instance, and the others keep their order", async () => {
    const created = keepInstances();
    const [a, , c, d] = await Promise.all(["a", "b", "c", "d"].map((name) => startTenant(name)));
    const asked: string[] = [];
    prototype.get = (id) => {
      asked.push(id);
      return Promise.reject(new Error("instance.not_found"));
    };
    const cancelled = await api(`/export/dump/${c?.jobId}`, { method: "DELETE" });
    expect(await cancelled.json()).toMatchObject({ status: "cancelled", queuePosition: null });
    expect(asked).toEqual([]);
    expect(created).toHaveLength(2);
    await fail(a?.jobId ?? "");
    expect(created.slice(2)).toEqual([`${d?.jobId}-1`]);
    expect((await view(c?.jobId ?? "")).status).toBe("cancelled");
  });

  test("is not silent: the watchdog leaves it for days, and starts it once a place is free", async () => {
    const created = keepInstances();
    prototype.get = (id) =>
      Promise.resolve({ id, status: () => Promise.resolve({ status: "running" }) } as never);
    const [a, , c] = await Promise.all(["a", "b", "c"].map((name) => startTenant(name)));
    await inJobs(
      "UPDATE tmp_export_jobs SET heartbeat_at_ms = 1, created_at_ms = 1 WHERE job_id = ?",
      c?.jobId ?? "",
    );
    await look();
    expect(await view(c?.jobId ?? "")).toMatchObject({ status: "queued", queuePosition: 1 });
    // The job's end and the next job's start are not one step: a crash may come between.
    await inJobs("DELETE FROM tmp_export_jobs WHERE job_id = ?", a?.jobId ?? "");
    await look();
    expect(created.at(-1)).toBe(`${c?.jobId}-1`);
    // Its silence counts from its start.
    await look();
    expect((await view(c?.jobId ?? "")).workflow).toMatchObject({ run: 1, rescues: [] });
  });

  test("starts when more may run", async () => {
    const created = keepInstances();
    await Promise.all(["a", "b", "c", "d"].map((name) => startTenant(name)));
    await setRunningMax(3);
    await look();
    expect(created).toHaveLength(3);
  });

  test("is started by its next run if Workflows cannot be reached at its turn", async () => {
    const created = keepInstances();
    const [a, , c] = await Promise.all(["a", "b", "c"].map((name) => startTenant(name)));
    const { create } = Object.getOwnPropertyDescriptors(prototype);
    prototype.create = () => Promise.reject(new Error("internal error"));
    await fail(a?.jobId ?? "");
    expect(await view(c?.jobId ?? "")).toMatchObject({ status: "queued", queuePosition: null });
    Object.defineProperties(prototype, { create });
    prototype.get = () => Promise.reject(new Error("instance.not_found"));
    await inJobs("UPDATE tmp_export_jobs SET heartbeat_at_ms = heartbeat_at_ms - 120000");
    await look();
    expect(created).toContain(`${c?.jobId}-2`);
  });

  test("counts as started if a version without a queue has started it", async () => {
    const created = keepInstances();
    const [a, , c] = await Promise.all(["a", "b", "c"].map((name) => startTenant(name)));
    // That version finds no instance, creates the next run, and knows no queue number.
    await inJobs(
      "UPDATE tmp_export_jobs SET run = 2, state = 'running' WHERE job_id = ?",
      c?.jobId ?? "",
    );
    expect(await view(c?.jobId ?? "")).toMatchObject({ status: "running", queuePosition: null });
    const d = await startTenant("d");
    await fail(a?.jobId ?? "");
    expect(created).toHaveLength(2);
    await jobs().fail(
      { jobId: c?.jobId ?? "", run: 2 },
      { code: "source-unavailable", message: "" },
    );
    expect(created.at(-1)).toBe(`${d.jobId}-1`);
  });
});

test("a tick of the schedule queues the jobs that may not run yet, and a repeated tick adds nothing", async () => {
  keepInstances();
  const names = ["s1", "s2", "s3", "s4"];
  const scheduled = {
    ...env,
    EXPORT_SCHEDULE: names.map((name) => ({ source: "tenants", name })),
  } as unknown as typeof env;
  const tick = { cron: "0 3 * * *", scheduledTime: 1_790_000_000_000 };
  await startScheduledExports(scheduled, tick);
  await startScheduledExports(scheduled, tick);
  const { jobs: listed } = await (await api("/export/jobs")).json<{ jobs: JobView[] }>();
  expect(listed.map(({ queuePosition }) => queuePosition)).toEqual([2, 1, null, null]);
});

test("a restore queues, and its safety export does not wait for the place that the restore has", async () => {
  await setRunningMax(1);
  await openCopy("queued target").query({ sql: "CREATE TABLE old(a)" });
  const { jobId: from } = await ended((await startTenant("restored source")).jobId);
  const created = keepInstances();
  const { jobId: blocking } = await startTenant("blocking");
  const request = {
    from: { jobId: from },
    target: "copies",
    name: "queued target",
    mode: "replace",
  };
  const { jobId, queuePosition } = await startRestore(request);
  expect(queuePosition).toBe(1);
  expect(created).toEqual([`${blocking}-1`]);
  Object.defineProperties(prototype, methods);
  await fail(blocking);
  expect(await restored(jobId)).toMatchObject({
    status: "completed",
    safetyExport: { status: "completed" },
  });
  expect((await viewRestore(jobId)).queuePosition).toBeNull();
});
