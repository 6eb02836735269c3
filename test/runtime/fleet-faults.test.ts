import { Buffer } from "node:buffer";
import { env, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from "vitest";

import type { FleetView } from "../../src/api/fleet-view.ts";
import type { Source } from "../../src/databases/source.ts";
import { type DatabaseName, openRunContext } from "../../src/workflows/engine/run-context.ts";
import { batchStep } from "../../src/workflows/fleet/batch-step.ts";
import { api } from "../support/api.ts";
import type { ReceivedRequest } from "../support/callback-receiver.ts";
import {
  beforeSteps,
  type Fault,
  FAULTS,
  failSteps,
  hangSteps,
  type StepFaults,
} from "../support/faulty-steps.ts";
import {
  allowOneTurn,
  backUpFleet,
  endedFleet,
  enlargeTenant,
  filesOfFleet,
  fillTenants,
  listMembersOf,
  openTenant,
  recordRestore,
  requestMember,
  restoreOneTurn,
  startFleet,
  viewFleet,
} from "../support/fleets.ts";
import { recordUploads } from "../support/recorded-uploads.ts";
import { inJobs } from "../support/writing-job.ts";

/** Every step of a fleet that ends well. */
const STEPS = ["list members", "back up members 1", "export large members 1", "publish manifest"];

const NAMES = ["a", "b", "c", "l"];
const HOUR_MS = 3_600_000;

const uploads = recordUploads();
let faults: StepFaults | undefined;
let undisturbed: Record<string, string>;

beforeAll(async () => {
  allowOneTurn();
  await fillTenants(NAMES);
  await enlargeTenant("l");
  undisturbed = await dumpsOf((await backUpFleet({ names: NAMES })).fleetId);
});

afterEach(async () => {
  await faults?.restore();
});

afterAll(restoreOneTurn);

/** Returns the dump of each member. */
async function dumpsOf(fleetId: string): Promise<Record<string, string>> {
  const dumps: Record<string, string> = {};
  for (const name of NAMES) {
    const response = await requestMember(fleetId, name);
    expect(response.status, name).toBe(200);
    dumps[name] = Buffer.from(await response.arrayBuffer()).toString();
  }
  return dumps;
}

async function runAlarm(): Promise<void> {
  const jobs = env.EXPORT_JOBS.getByName("jobs");
  await runInDurableObject(jobs, (_, { storage }) => storage.setAlarm(Date.now() + HOUR_MS));
  await runDurableObjectAlarm(jobs);
}

/** Removes what attempts have discarded, as the watchdog does a minute later. */
async function removeLate(fleetId: string): Promise<void> {
  await inJobs("UPDATE tmp_export_job_discards SET discarded_at_ms = 1 WHERE job_id = ?", fleetId);
  await runAlarm();
}

/** Returns the states of the export jobs of a fleet's large members. */
async function statesOfExports(fleetId: string): Promise<string[]> {
  const rows = await inJobs<{ state: string }>(
    `SELECT state FROM tmp_export_jobs
     WHERE job_id IN (SELECT export_id FROM tmp_export_fleet_exports WHERE job_id = ?)`,
    fleetId,
  );
  return rows.map(({ state }) => state);
}

const FILES = ["manifest.json", "members.json", "pack-00001.index.json", "pack-00001.sql"];

/** Backs up a fleet whose `step` fails once by `fault`; late attempts have ended when it returns. */
async function disturbed(
  step: string,
  fault: Fault,
  { request, origin }: { request: object; origin?: string },
): Promise<FleetView> {
  faults = failSteps((name) => name === step, fault, "10 seconds");
  const body = JSON.stringify({ source: "tenants", ...request });
  const response = await api("/export/fleet", { method: "POST", body }, origin);
  const view = await endedFleet((await response.json<FleetView>()).fleetId);
  await expect
    .poll(() => faults?.tries.filter((name) => name === step).length, { timeout: 20_000 })
    .toBeGreaterThan(1);
  await faults.restore();
  return view;
}

describe.each(STEPS)("a fleet whose step %j", (step) => {
  test.each(FAULTS)("fails once (%s) has each member once, and leaves nothing", async (fault) => {
    const view = await disturbed(step, fault, { request: { names: NAMES } });
    expect(view).toMatchObject({
      status: "completed",
      error: null,
      members: { total: 4, packed: 3, exported: 1, empty: 0, failed: 0 },
    });
    expect(await dumpsOf(view.fleetId)).toEqual(undisturbed);
    await removeLate(view.fleetId);
    expect(await filesOfFleet(view.fleetId)).toEqual(FILES);
    expect(await uploads.countOpen()).toBe(0);
  });
});

// The instance ends after this step, and with it an attempt that is still to come.
test.each(FAULTS.filter((fault) => fault !== "timeout"))(
  "a fleet whose step of giving up fails once (%s) has one end, and leaves nothing",
  async (fault) => {
    await openTenant("other").query({ sql: "CREATE TABLE IF NOT EXISTS other(id)" });
    const view = await disturbed("give up", fault, {
      request: {
        names: ["a", "l", "other"],
        tables: { include: ["notes"] },
        failIfAny: true,
      },
    });
    const { fleetId } = view;
    expect(view).toMatchObject({ status: "failed", error: { code: "fleet-members-failed" } });
    await removeLate(fleetId);
    expect(await filesOfFleet(fleetId)).toEqual([]);
    expect(await uploads.countOpen()).toBe(0);
    expect(await statesOfExports(fleetId)).toEqual(["expired"]);
  },
);

test.each(FAULTS)(
  "a fleet whose callback fails once (%s) delivers it under one id",
  async (fault) => {
    const receiver = inject("callbackReceiverOrigin");
    const { fleetId } = await disturbed("send callback 1", fault, {
      request: { names: ["a"], callbackUrl: `${receiver}/answer?status=204` },
      origin: "http://localhost",
    });
    await expect
      .poll(async () => (await viewFleet(fleetId)).callback)
      .toMatchObject({ status: "delivered", attempts: 1 });
    const received = await (await fetch(`${receiver}/requests`)).json<ReceivedRequest[]>();
    const posts = received.filter(({ headers }) => headers["webhook-id"] === fleetId);
    expect(posts.length).toBeGreaterThan(0);
    expect(posts.length).toBeLessThanOrEqual(fault === "beside" ? 2 : 1);
  },
);

test("a fleet whose run goes silent is continued by the next run", async () => {
  const hung = hangSteps((name, run) => name === "publish manifest" && run === 1);
  const { fleetId } = await startFleet({ names: ["a", "b"] });
  await expect.poll(() => hung.reached.length).toBe(1);
  for (let look = 0; look < 2; look += 1) {
    await inJobs(
      `UPDATE tmp_export_jobs SET heartbeat_at_ms = heartbeat_at_ms - ${HOUR_MS},
         woken_at_ms = woken_at_ms - ${HOUR_MS / 2} WHERE job_id = ?`,
      fleetId,
    );
    await runAlarm();
  }
  const view = await endedFleet(fleetId);
  hung.restore();
  expect(view).toMatchObject({ status: "completed", members: { packed: 2 }, workflow: { run: 2 } });
  await removeLate(fleetId);
  expect(await filesOfFleet(fleetId)).toEqual(FILES);
});

test("a member that was restored a moment before its batch is exported by a job", async () => {
  let forget = async (): Promise<unknown> => undefined;
  const restore = beforeSteps(
    (name) => name === "back up members 1",
    async () => {
      forget = await recordRestore({ state: "completed", member: "b" });
    },
  );
  const view = await backUpFleet({ names: ["a", "b", "c"] });
  restore();
  await forget();
  expect(view).toMatchObject({ status: "completed", members: { packed: 2, exported: 1 } });
});

test("a batch is refused if a restore of its member began while it was read, and then leaves it out", async () => {
  const hung = hangSteps((name) => name === "back up members 1");
  const { fleetId } = await startFleet({ names: ["a", "b"] });
  await expect.poll(() => hung.reached.length).toBe(1);
  const context = openRunContext(env, { jobId: fleetId, run: 1 });
  let forget: (() => Promise<unknown>) | undefined;
  const openSource = (database: DatabaseName): Source => {
    const source = context.openSource(database);
    const transaction: Source["transaction"] = async (statements) => {
      if (database.name === "b") {
        forget ??= await recordRestore({ state: "completed", member: "b" });
      }
      return source.transaction(statements);
    };
    return { ...source, transaction };
  };
  await expect(batchStep({ ...context, openSource }, 1)).rejects.toMatchObject({
    code: "restore-already-running",
  });
  expect(await batchStep(context, 1)).toMatchObject({ packed: 1, failed: 0, isDone: true });
  expect(
    await inJobs("SELECT member FROM tmp_export_fleet_exports WHERE job_id = ?", fleetId),
  ).toEqual([{ member: "b" }]);
  hung.restore();
  await forget?.();
  await api(`/export/fleet/${fleetId}`, { method: "DELETE" });
  await removeLate(fleetId);
  expect(await filesOfFleet(fleetId)).toEqual([]);
});

test("a member that is deleted while its fleet runs counts as empty", async () => {
  await fillTenants(["going"]);
  const restore = beforeSteps(
    (name) => name === "back up members 1",
    () => openTenant("going").query({ sql: "DROP TABLE notes" }),
  );
  const view = await backUpFleet({ names: ["a", "going"] });
  restore();
  expect(view).toMatchObject({ status: "completed", members: { packed: 1, empty: 1 } });
  const { members } = await listMembersOf(view.fleetId, "?status=empty");
  expect(members.map(({ member }) => member)).toEqual(["going"]);
});

test("a large member whose export is deleted meanwhile fails, and costs only itself", async () => {
  const hung = hangSteps((name) => name === "open snapshot");
  const { fleetId } = await startFleet({ names: ["a", "l"] });
  await expect.poll(() => hung.reached.length).toBe(1);
  const [child] = await inJobs<{ export_id: string }>(
    "SELECT export_id FROM tmp_export_fleet_exports WHERE job_id = ?",
    fleetId,
  );
  await api(`/export/dump/${child?.export_id}`, { method: "DELETE" });
  const view = await endedFleet(fleetId);
  hung.restore();
  expect(view).toMatchObject({
    status: "completed",
    members: { packed: 1, exported: 0, failed: 1 },
    failures: [{ member: "l", code: "export-not-downloadable" }],
  });
});

test("a fleet's callback has its view", async () => {
  const receiver = inject("callbackReceiverOrigin");
  const body = JSON.stringify({
    source: "tenants",
    names: ["a"],
    callbackUrl: `${receiver}/answer?status=204`,
  });
  const response = await api("/export/fleet", { method: "POST", body }, "http://localhost");
  const { fleetId } = await response.json<FleetView>();
  await expect
    .poll(async () => (await viewFleet(fleetId)).callback)
    .toMatchObject({ status: "delivered", attempts: 1 });
  const received = await (await fetch(`${receiver}/requests`)).json<ReceivedRequest[]>();
  const post = received.find(({ headers }) => headers["webhook-id"] === fleetId);
  expect(JSON.parse(post?.body ?? "{}")).toMatchObject({
    type: "fleet.completed",
    data: { kind: "fleet", fleetId, status: "completed", members: { packed: 1 } },
  });
});
