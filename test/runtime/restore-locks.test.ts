import { afterEach, beforeAll, describe, expect, test } from "vitest";

import type { RestoreView } from "../../src/api/restore-view.ts";
import { api, ended, query, startExport } from "../support/api.ts";
import { hangSteps } from "../support/faulty-steps.ts";
import {
  listNames,
  openCopy,
  requestRestore,
  restore,
  restored,
  startRestore,
  viewRestore,
} from "../support/restores.ts";

let jobId: string;
let copies = 0;
let stop = (): void => {};

beforeAll(async () => {
  await query("CREATE TABLE t(a)", "INSERT INTO t VALUES (1)");
  ({ jobId } = await startExport());
  expect((await ended(jobId)).status).toBe("completed");
});

afterEach(() => stop());

/** Makes an object that has content, and returns its name. */
async function fillCopy(): Promise<string> {
  copies += 1;
  const name = `locked ${copies}`;
  await openCopy(name).transaction([
    { sql: "CREATE TABLE old(x)" },
    { sql: "INSERT INTO old VALUES (1)" },
  ]);
  return name;
}

/** Starts a replacement that stops in a step, and waits until it is there. */
async function hangIn(step: string, body: object): Promise<RestoreView> {
  const steps = hangSteps((name) => name === step);
  stop = steps.restore;
  const view = await startRestore({ from: { jobId }, target: "copies", mode: "replace", ...body });
  await expect.poll(() => steps.reached, { timeout: 30_000 }).toContain(step);
  return view;
}

async function cancel(restoreId: string): Promise<void> {
  await api(`/import/dump/${restoreId}?only=cancel`, { method: "DELETE" });
  stop();
  const isOpen = async (): Promise<boolean> =>
    (await viewRestore(restoreId)).warnings.some((each) => each.startsWith("target-not-cleaned"));
  await expect.poll(isOpen, { timeout: 20_000 }).toBe(false);
}

function remove(exportId: string): Promise<Response> {
  return api(`/export/dump/${exportId}`, { method: "DELETE" });
}

describe.each([
  ["scan script", false],
  ["check safety export 1", false],
  ["load 1", true],
  ["verify 1", true],
])("a database whose restore is in step %j", (step, isChanged) => {
  test("is not exported or restored, nor streamed once it is changed", async () => {
    const name = await fillCopy();
    const { jobId: restoreId } = await hangIn(step, { name });
    const other = { source: "copies", name };
    const post = (path: string): Promise<Response> =>
      api(path, { method: "POST", body: JSON.stringify(other) });
    const stream = (): Promise<Response> =>
      api(`/export/dump?source=copies&name=${encodeURIComponent(name)}`);
    // What is read in one turn needs no lock.
    if (!isChanged) {
      const text = new TextDecoder().decode(await (await stream()).bytes());
      expect(text).toContain("(1,1);");
    }
    for (const call of [
      () => post("/export/dump"),
      ...(isChanged ? [stream] : []),
      () => requestRestore({ from: { jobId }, target: "copies", name, mode: "replace" }),
      () => requestRestore({ from: { jobId }, target: "copies", name }),
    ]) {
      const response = await call();
      expect(await response.json()).toMatchObject({
        status: 409,
        code: "restore-already-running",
        jobId: restoreId,
      });
    }
    await cancel(restoreId);
    expect((await post("/export/dump")).status).toBe(202);
  });
});

test("a database that is exported is not restored", async () => {
  const name = await fillCopy();
  const steps = hangSteps((each) => each === "open snapshot");
  stop = steps.restore;
  const started = await startExport({ source: "copies", name });
  const response = await requestRestore({
    from: { jobId },
    target: "copies",
    name,
    mode: "replace",
  });
  expect(await response.json()).toMatchObject({
    status: 409,
    code: "export-already-running",
    jobId: started.jobId,
  });
  await remove(started.jobId);
});

describe("the exports that a restore needs", () => {
  test("are not deleted while it runs, and are afterwards", async () => {
    const name = await fillCopy();
    const { jobId: from } = await startExport({ content: "all" });
    expect((await ended(from)).status).toBe("completed");
    const { jobId: restoreId } = await hangIn("verify 1", { name, from: { jobId: from } });
    const safetyId = (await viewRestore(restoreId)).safetyExport?.jobId ?? "";
    for (const needed of [from, safetyId]) {
      expect(await (await remove(needed)).json()).toMatchObject({
        status: 409,
        code: "file-in-use",
        detail: `restore ${restoreId} may need the files of job ${needed}`,
        jobId: restoreId,
      });
    }
    await cancel(restoreId);
    expect(await restored(restoreId)).toMatchObject({ status: "cancelled" });
    const back = { from: { jobId: safetyId }, target: "copies", name, mode: "replace" };
    expect(await restore(back)).toMatchObject({ status: "completed" });
    expect(await listNames(name)).toEqual(["old"]);
    for (const needed of [from, safetyId]) expect((await remove(needed)).status).toBe(204);
  });
});
