import {
  env,
  introspectWorkflow,
  introspectWorkflowInstance,
  runInDurableObject,
} from "cloudflare:test";
import { Webhook } from "standardwebhooks";
import * as v from "valibot";
import { beforeEach, describe, expect, inject, test } from "vitest";

import { type JobView, JobViewSchema } from "../../src/api/job-view.ts";
import { listOverdueCallbacks } from "../../src/jobs/tables/job-callback-columns.ts";
import { sendCallbacks } from "../../src/workflows/ending/send-callbacks.ts";
import { openSteps } from "../../src/workflows/engine/steps.ts";
import { EXPORT_STEPS } from "../../src/workflows/export/export-steps.ts";
import { api, emptyDatabase, query } from "../support/api.ts";
import type { ReceivedRequest } from "../support/callback-receiver.ts";

const LOCAL = "http://localhost";
const SECRET = "whsec_dGVzdC13ZWJob29rLXNlY3JldC1vZi1zaXh0eQ==";

beforeEach(async () => {
  await emptyDatabase();
  await query("CREATE TABLE a(id INTEGER PRIMARY KEY, x)", "INSERT INTO a VALUES (1, 'one')");
});

async function start(callbackUrl: string, request: object = {}): Promise<JobView> {
  const body = JSON.stringify({ callbackUrl, ...request });
  const response = await api("/export/dump", { method: "POST", body }, LOCAL);
  expect(response.status).toBe(202);
  return response.json<JobView>();
}

async function viewOf(jobId: string): Promise<JobView> {
  const response = await api(`/export/dump/${jobId}`);
  return v.parse(JobViewSchema, await response.json());
}

/** The view once its callback is over. */
async function settled(jobId: string): Promise<JobView> {
  return expect
    .poll(() => viewOf(jobId), { timeout: 30_000, interval: 20 })
    .toSatisfy((view: JobView) => view.callback.status !== "pending")
    .then(() => viewOf(jobId));
}

async function receivedBy(jobId: string): Promise<ReceivedRequest[]> {
  const response = await fetch(`${inject("callbackReceiverOrigin")}/requests`);
  const all = await response.json<ReceivedRequest[]>();
  return all.filter((request) => request.headers["webhook-id"] === jobId);
}

const receiver = (path: string): string => `${inject("callbackReceiverOrigin")}${path}`;

describe("a job with a callback URL", () => {
  test("posts three times with one id to a receiver that fails twice, signed", async () => {
    await using workflows = await introspectWorkflow(env.EXPORT_WORKFLOW);
    await workflows.modifyAll((modifier) => modifier.disableSleeps());
    const { jobId, callback } = await start(receiver("/fail-twice?token=s3cret"));
    expect(callback).toEqual({
      url: `${inject("callbackReceiverOrigin")}/…`,
      status: "pending",
      attempts: 0,
      lastError: null,
      nextAttemptAt: null,
    });
    const view = await settled(jobId);
    expect(view).toMatchObject({ status: "completed", error: null });
    expect(view.callback).toMatchObject({ status: "delivered", attempts: 3, lastError: null });
    expect(JSON.stringify(view)).not.toContain("s3cret");

    const requests = await receivedBy(jobId);
    expect(requests).toHaveLength(3);
    for (const { body, headers } of requests) {
      const message = new Webhook(SECRET).verify(body, headers) as Record<string, unknown>;
      expect(message).toMatchObject({ type: "export.completed", data: { jobId } });
      expect(message["timestamp"]).toBe(view.completedAt);
      v.parse(JobViewSchema, message["data"]);
    }
    const [instance] = await workflows.get();
    expect(await instance?.waitForStepResult({ name: "send callback 1" })).toMatchObject({
      status: "pending",
      error: "the receiver answered 500: not yet",
      next: { attempt: 2 },
    });
    expect(await instance?.waitForStepResult({ name: "send callback 3" })).toEqual({
      status: "delivered",
      error: null,
      next: null,
    });
  });

  test("reports its copies, and what keeps it in its series", async () => {
    const retention = { keepLast: 2, keepDaily: 7 };
    const request = { copyTo: ["archive"], series: "nightly", retention };
    const { jobId } = await start(receiver("/answer?status=200"), request);
    const view = await settled(jobId);
    const [post] = await receivedBy(jobId);
    const { data } = JSON.parse(post?.body ?? "") as { data: JobView };
    expect(data.copies).toEqual(view.copies);
    expect(data.copies).toMatchObject([{ destination: "archive", state: "copied", sealed: false }]);
    expect(data.retention).toEqual(view.retention);
    expect(data.retention).toMatchObject({ series: "nightly", policy: retention });
    expect(data.retention?.keptBy).toMatchObject([
      { rule: "newest" },
      { rule: "keepLast" },
      { rule: "keepDaily", period: data.snapshotAt?.slice(0, 10) },
    ]);
  });

  test("says what a gone receiver answered, and stays completed", async () => {
    const { jobId } = await start(receiver("/answer?status=410"));
    const view = await settled(jobId);
    expect(view.status).toBe("completed");
    expect(view.callback).toMatchObject({
      status: "failed",
      attempts: 1,
      lastError: "the receiver answered 410 (gone: no more callbacks are sent)",
      nextAttemptAt: null,
    });
  });

  test("gives up after ten tries", async () => {
    await using workflows = await introspectWorkflow(env.EXPORT_WORKFLOW);
    await workflows.modifyAll((modifier) => modifier.disableSleeps());
    const { jobId } = await start(receiver("/answer?status=503&retry-after=5"));
    const view = await settled(jobId);
    expect(view).toMatchObject({
      status: "completed",
      callback: { status: "failed", attempts: 10, nextAttemptAt: null },
    });
    expect(await receivedBy(jobId)).toHaveLength(10);
  });

  test("tells of a failure", async () => {
    await using workflows = await introspectWorkflow(env.EXPORT_WORKFLOW);
    await workflows.modifyAll(async (modifier) => {
      await modifier.disableRetryDelays();
      await modifier.mockStepError({ name: "export a 1" }, new Error("source-unavailable: asleep"));
    });
    const { jobId } = await start(receiver("/answer"));
    expect(await settled(jobId)).toMatchObject({
      status: "failed",
      callback: { status: "delivered" },
    });
    const [request] = await receivedBy(jobId);
    expect(JSON.parse(request?.body ?? "")).toMatchObject({
      type: "export.failed",
      data: { status: "failed", error: { code: "source-unavailable" } },
    });
  });

  test("tells of a cancel, whose run is gone", async () => {
    await query(
      "INSERT INTO a WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 60000) SELECT i, hex(zeroblob(50)) FROM n",
    );
    const { jobId } = await start(receiver("/answer"));
    const cancelled = await api(`/export/dump/${jobId}`, { method: "DELETE" });
    expect(await cancelled.json()).toMatchObject({ status: "cancelled" });
    expect((await settled(jobId)).callback).toMatchObject({ status: "delivered", attempts: 1 });
    const [request] = await receivedBy(jobId);
    expect(JSON.parse(request?.body ?? "")).toMatchObject({ type: "export.cancelled" });
  });

  test("sends nothing more once it is deleted", async () => {
    await using workflows = await introspectWorkflow(env.EXPORT_WORKFLOW);
    const { jobId } = await start(receiver("/answer?status=500&retry-after=60"));
    await expect.poll(async () => (await viewOf(jobId)).callback.attempts).toBe(1);
    const view = await viewOf(jobId);
    expect(Date.parse(view.callback.nextAttemptAt ?? "") - Date.now()).toBeGreaterThan(50_000);
    expect((await api(`/export/dump/${jobId}`, { method: "DELETE" })).status).toBe(204);
    const [instance] = await workflows.get();
    await instance?.waitForStatus("terminated");
    expect(await receivedBy(jobId)).toHaveLength(1);
  });

  test("whose sender died is found, and is sent from where it stood under the same id", async () => {
    await using workflows = await introspectWorkflow(env.EXPORT_WORKFLOW);
    const { jobId, workflow } = await start(receiver("/fail-twice"));
    await expect.poll(async () => (await viewOf(jobId)).callback.attempts).toBe(1);
    const [first] = await workflows.get();
    await (await env.EXPORT_WORKFLOW.get(workflow.instanceId ?? "")).terminate();
    await first?.waitForStatus("terminated");

    const jobs = env.EXPORT_JOBS.getByName("jobs");
    const overdue = await runInDurableObject(jobs, (_, state) =>
      listOverdueCallbacks(state.storage.sql, {
        nowMs: Date.now() + 120_000,
        graceMs: 60_000,
        limit: 10,
      }),
    );
    expect(overdue).toContainEqual({ jobId, run: 1, nextAttempt: 2 });

    const id = `${jobId}-again`;
    await using again = await introspectWorkflowInstance(env.EXPORT_WORKFLOW, id);
    await again.modify((modifier) => modifier.disableSleeps());
    await env.EXPORT_WORKFLOW.create({
      id,
      params: { kind: "ending", jobId, run: 1, callbackFrom: 2 },
    });
    await again.waitForStatus("complete");
    expect((await viewOf(jobId)).callback).toMatchObject({ status: "delivered", attempts: 3 });
    expect(await receivedBy(jobId)).toHaveLength(3);
  });
});

describe("a try that is repeated because its answer was lost", () => {
  test("sends nothing, and goes on with the next", async () => {
    const { jobId } = await start(receiver("/answer?status=500&retry-after=60"));
    await expect.poll(async () => (await viewOf(jobId)).callback.attempts).toBe(1);
    const walked: string[] = [];
    const step = {
      do: async (name: string, _: unknown, body: (context: object) => Promise<unknown>) => {
        walked.push(name);
        return name.endsWith("2") ? { next: null } : body({ attempt: 1 });
      },
      sleep: async (name: string, ms: number) => {
        walked.push(`${name}: ${ms > 50_000}`);
      },
    };
    await sendCallbacks(openSteps(step as never, env, EXPORT_STEPS), { jobId, attempt: 1 });
    expect(walked).toEqual(["send callback 1", "wait for try 2: true", "send callback 2"]);
    expect(await receivedBy(jobId)).toHaveLength(1);
    await api(`/export/dump/${jobId}`, { method: "DELETE" });
  });
});

describe("POST /export/dump", () => {
  test.each([
    ["http://example.com/", "scheme"],
    ["https://user:pw@example.com/", "credentials"],
    ["https://127.1/", "address"],
    ["https://0x7f000001/", "address"],
    ["https://[::ffff:10.0.0.1]/", "address"],
    ["https://localhost./", "host"],
    ["https://example.com:22/", "port"],
    ["http://localhost:9000/", "scheme"],
    ["", "syntax"],
  ])("refuses the callback URL %s by its rule", async (callbackUrl, rule) => {
    const response = await api("/export/dump", {
      method: "POST",
      body: JSON.stringify({ callbackUrl }),
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: "callback-url-refused", rule });
  });
});
