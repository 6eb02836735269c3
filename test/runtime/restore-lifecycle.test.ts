import {
  abortAllDurableObjects,
  env,
  evictDurableObject,
  runDurableObjectAlarm,
  runInDurableObject,
} from "cloudflare:test";
import { afterEach, beforeAll, describe, expect, test } from "vitest";

import type { RestoreView } from "../../src/api/restore-view.ts";
import { api, download, ended, query, startExport } from "../support/api.ts";
import { beforeSteps, hangSteps } from "../support/faulty-steps.ts";
import {
  listNames,
  openCopy,
  requestRestore,
  restore,
  restored,
  startRestore,
  viewRestore,
} from "../support/restores.ts";
import { completed, refusal, startUpload, storePart } from "../support/uploads.ts";
import { inJobs } from "../support/writing-job.ts";

const { EXPORT_R2_BUCKET: bucket } = env as unknown as { EXPORT_R2_BUCKET: R2Bucket };
const HOUR_MS = 3_600_000;

/** Steps in which a restore that replaces a database can be stopped, and whether the old content is gone by then. */
const STEPS: [step: string, isCleared: boolean][] = [
  ["scan script", false],
  ["start safety export", false],
  ["check safety export 1", false],
  ["open target", false],
  ["load 1", true],
  ["load 2", true],
  ["verify 1", true],
  ["complete restore", true],
];

interface Dump {
  jobId: string;
  text: string;
}

let small: Dump;
/** Takes two steps to load. */
let large: Dump;
let copies = 0;
let stop = (): void => {};

/** Rows that refer to one another, so that they are staged and moved; then also enough text for two steps. */
beforeAll(async () => {
  await query(
    "CREATE TABLE a (id INTEGER PRIMARY KEY, b INTEGER REFERENCES b(id))",
    "CREATE TABLE b (id INTEGER PRIMARY KEY, a INTEGER REFERENCES a(id))",
    `INSERT INTO a WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
     SELECT i, NULL FROM n`,
    "INSERT INTO b SELECT id, 2001 - id FROM a",
    "UPDATE a SET b = 2001 - id",
  );
  small = await makeDump();
  await query(
    "CREATE TABLE wide (id INTEGER PRIMARY KEY, note TEXT)",
    `INSERT INTO wide WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)
     SELECT i, hex(zeroblob(450000)) FROM n`,
  );
  large = await makeDump();
});

async function makeDump(): Promise<Dump> {
  const { jobId } = await startExport({ compression: "gzip" });
  expect((await ended(jobId)).status).toBe("completed");
  return { jobId, text: await dumpOf({}) };
}

function dumpFor(step: string): Dump {
  return step === "load 2" ? large : small;
}

afterEach(() => stop());

async function dumpOf(body: object): Promise<string> {
  const { jobId: exportId } = await startExport(body);
  expect((await ended(exportId)).status).toBe("completed");
  const text = new TextDecoder().decode(await download(exportId));
  await api(`/export/dump/${exportId}`, { method: "DELETE" });
  return text.replace('source "copies"', 'source "main"');
}

async function fillOld(): Promise<string> {
  copies += 1;
  const name = `lifecycle ${copies}`;
  await openCopy(name).transaction([
    { sql: "CREATE TABLE old (x)" },
    { sql: "INSERT INTO old VALUES (1)" },
  ]);
  return name;
}

/** Starts a restore whose first run stops in a step, and waits until it is there. */
async function startUntil(step: string, body: object): Promise<string> {
  const steps = hangSteps((each, run) => run === 1 && each === step);
  stop = steps.restore;
  const from = { jobId: dumpFor(step).jobId };
  const view = await startRestore({ from, target: "copies", ...body });
  await expect.poll(() => steps.reached, { timeout: 60_000 }).toContain(step);
  return view.jobId;
}

async function cancel(restoreId: string): Promise<void> {
  expect((await api(`/import/dump/${restoreId}`, { method: "DELETE" })).status).toBe(200);
  expect((await viewRestore(restoreId)).status).toBe("cancelled");
  // What follows must not hang.
  stop();
}

/** True for what a restore makes for itself, or the dump for its long rows. */
function isOwn(name: string): boolean {
  return name.startsWith("tmp_export_");
}

/** Waits until nothing of a restore is in its target, and its lock is free. */
async function expectReleased(name: string): Promise<void> {
  await expect.poll(async () => (await listNames(name)).filter(isOwn)).toEqual([]);
  await bucket.put("next.sql", "CREATE TABLE next(a);");
  const body = { from: { object: "next.sql" }, target: "copies", name, mode: "replace" };
  let next = await requestRestore(body);
  const retry = async (): Promise<number> => {
    if (next.status === 409) next = await requestRestore(body);
    return next.status;
  };
  await expect.poll(retry).toBe(202);
  const { jobId } = await next.json<RestoreView>();
  expect((await restored(jobId)).status).toBe("completed");
}

/** A cancelled restore stays, as a cancelled export does. */
async function expectCancelled(restoreId: string): Promise<void> {
  expect((await api(`/import/dump/${restoreId}`, { method: "DELETE" })).status).toBe(200);
  expect((await viewRestore(restoreId)).status).toBe("cancelled");
}

/** An empty target has nothing to be exported first. */
const STEPS_INTO_EMPTY = STEPS.filter(([step]) => !step.includes("safety"));

describe.each(STEPS_INTO_EMPTY)("a restore that is cancelled in step %j", (step) => {
  test("leaves an empty target empty", async () => {
    copies += 1;
    const name = `lifecycle ${copies}`;
    const restoreId = await startUntil(step, { name });
    await cancel(restoreId);
    await expect.poll(() => listNames(name)).toEqual([]);
    await expectReleased(name);
    await expectCancelled(restoreId);
  });
});

describe.each(STEPS)("a replacement that is cancelled in step %j", (step, isCleared) => {
  test("gives the former content back if it is told to", async () => {
    const name = await fillOld();
    const restoreId = await startUntil(step, { name, mode: "replace", undoOnFailure: true });
    await cancel(restoreId);
    await expect.poll(() => listNames(name)).toEqual(["old"]);
    expect((await openCopy(name).query({ sql: "SELECT x FROM old" })).rows).toEqual([[1]]);
    await expectReleased(name);
    await expectCancelled(restoreId);
  });

  test("keeps what it has loaded otherwise, and the safety export", async () => {
    const name = await fillOld();
    const restoreId = await startUntil(step, { name, mode: "replace" });
    await cancel(restoreId);
    await expect.poll(async () => (await listNames(name)).filter(isOwn)).toEqual([]);
    expect((await listNames(name)).includes("old")).toBe(!isCleared);
    const { safetyExport } = await viewRestore(restoreId);
    if (isCleared) {
      expect(safetyExport).toMatchObject({ status: "completed" });
      const from = { jobId: safetyExport?.jobId };
      const back = await restore({ from, target: "copies", name, mode: "replace" });
      expect(back).toMatchObject({ status: "completed", verification: { state: "equal" } });
      expect(await listNames(name)).toEqual(["old"]);
    }
    await expectCancelled(restoreId);
  });
});

/** Lets the watchdog look as if the restore had been silent for an hour. */
async function lookAfterAnHour(restoreId: string): Promise<void> {
  await inJobs(
    `UPDATE tmp_export_jobs SET heartbeat_at_ms = heartbeat_at_ms - ${HOUR_MS},
       woken_at_ms = woken_at_ms - ${HOUR_MS / 2} WHERE job_id = ?`,
    restoreId,
  );
  const jobs = env.EXPORT_JOBS.getByName("jobs");
  await runInDurableObject(jobs, (_, { storage }) => storage.setAlarm(Date.now() + HOUR_MS));
  await runDurableObjectAlarm(jobs);
}

describe.each(STEPS)("a restore whose run hangs in step %j", (step) => {
  test("is rescued by the watchdog, and completes", async () => {
    const name = await fillOld();
    const restoreId = await startUntil(step, { name, mode: "replace" });
    for (const run of [1, 2]) {
      await lookAfterAnHour(restoreId);
      expect((await viewRestore(restoreId)).workflow.run).toBe(run);
    }
    const view = await restored(restoreId);
    expect(view.error).toBe(null);
    expect(view).toMatchObject({
      status: "completed",
      workflow: { run: 2 },
      verification: { state: "equal" },
    });
    expect(await dumpOf({ source: "copies", name })).toBe(dumpFor(step).text);
  });
});

describe.each<[string, (name: string) => Promise<unknown>]>([
  [
    "the target is evicted",
    (name) => evictDurableObject(env.DATABASE_DURABLE_OBJECT.getByName(name)),
  ],
  ["the jobs object is evicted", () => evictDurableObject(env.EXPORT_JOBS.getByName("jobs"))],
  ["all objects are aborted", () => abortAllDurableObjects()],
])("a restore during which %s in every step", (_, disturb) => {
  test("completes", async () => {
    const name = await fillOld();
    stop = beforeSteps(
      (step) => STEPS.some(([each]) => each === step),
      () => disturb(name),
    );
    const view = await startRestore({
      from: { jobId: large.jobId },
      target: "copies",
      name,
      mode: "replace",
    });
    await expect
      .poll(async () => (await viewRestore(view.jobId)).status, { timeout: 90_000 })
      .toBe("completed");
    stop();
    expect(await dumpOf({ source: "copies", name })).toBe(large.text);
  });
});

describe("an uploaded file", () => {
  test("is restored, and cannot be deleted meanwhile", async () => {
    const text = `CREATE TABLE t(a);\n${"INSERT INTO t VALUES('it''s');\n".repeat(200_000)}`;
    const bytes = new TextEncoder().encode(text);
    const { fileId, partBytes } = await startUpload({ bytes: bytes.length });
    const parts = Math.ceil(bytes.length / partBytes);
    expect(parts).toBeGreaterThan(1);
    for (let number = 1; number <= parts; number += 1) {
      await storePart(fileId, number, bytes.slice((number - 1) * partBytes, number * partBytes));
    }
    const early = await requestRestore({ from: { fileId }, target: "copies", name: "upload" });
    expect(await early.json()).toMatchObject({ status: 409, code: "file-not-complete" });
    await completed(fileId, { parts });
    copies += 1;
    const name = `lifecycle ${copies}`;
    const steps = hangSteps((each, run) => run === 1 && each === "load 1");
    stop = steps.restore;
    const { jobId: restoreId } = await startRestore({ from: { fileId }, target: "copies", name });
    await expect.poll(() => steps.reached).toContain("load 1");
    const remove = (): Promise<Response> => api(`/import/files/${fileId}`, { method: "DELETE" });
    expect(await refusal(remove())).toMatchObject({ status: 409, code: "file-in-use" });
    stop();
    await lookAfterAnHour(restoreId);
    await lookAfterAnHour(restoreId);
    expect(await restored(restoreId)).toMatchObject({ status: "completed", error: null });
    const count = await openCopy(name).query({ sql: "SELECT count(*), min(a) FROM t" });
    expect(count.rows).toEqual([[200_000, "it's"]]);
    expect((await remove()).status).toBe(204);
  });
});

test("a request that is repeated with its key returns the restore that has filled the target", async () => {
  await bucket.put("filled.sql", "CREATE TABLE t(a); INSERT INTO t VALUES(1);");
  const body = { from: { object: "filled.sql" }, target: "copies", name: "filled by key" };
  const headers = { "idempotency-key": "filled by key" };
  const first = await (await requestRestore(body, headers)).json<RestoreView>();
  expect((await restored(first.jobId)).status).toBe("completed");
  const again = await requestRestore(body, headers);
  expect(again.status).toBe(202);
  expect((await again.json<RestoreView>()).jobId).toBe(first.jobId);
});
