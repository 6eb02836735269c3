import { env, introspectWorkflowInstance } from "cloudflare:test";
import { beforeEach, expect, test } from "vitest";

import type { RunPayload } from "../../src/rpc/run-payload.ts";
import { download, emptyDatabase, ended, query } from "../support/api.ts";
import { insertOrphan } from "../support/orphan-job.ts";

/** Starts an instance as the version before `kind` did, and returns what it returns and a step's result. */
async function runFormer(
  payload: object,
  name: string,
): Promise<{ output: unknown; step: unknown }> {
  const id = crypto.randomUUID();
  await using instance = await introspectWorkflowInstance(env.EXPORT_WORKFLOW, id);
  await env.EXPORT_WORKFLOW.create({ id, params: payload as RunPayload });
  await instance.waitForStatus("complete");
  return {
    output: await instance.getOutput(),
    step: await instance.waitForStepResult({ name }),
  };
}

beforeEach(async () => {
  await emptyDatabase();
  await query("CREATE TABLE t(id INTEGER PRIMARY KEY)", "INSERT INTO t VALUES (1), (2)");
});

test("an instance of the version before exports its job", async () => {
  const jobId = await insertOrphan();
  expect(await runFormer({ jobId, run: 1 }, "export t 1")).toMatchObject({
    output: { jobId, status: "completed" },
    step: { table: "t", rows: 2 },
  });
  expect((await ended(jobId)).status).toBe("completed");
  expect(new TextDecoder().decode(await download(jobId))).toContain('INSERT INTO "t"');
});

test("an instance of the version before ends its job and exports nothing", async () => {
  const jobId = await insertOrphan();
  expect(await runFormer({ jobId, run: 1, callbackFrom: 2 }, "send callback 2")).toEqual({
    output: { jobId, status: "ended" },
    step: { status: "over", error: null, next: null },
  });
});

test("an instance of the version before closes the snapshot of its stream", async () => {
  const streamId = crypto.randomUUID();
  expect(await runFormer({ streamId }, "close snapshot")).toEqual({
    output: { streamId, status: "ended" },
    step: { closed: null, tablesLeft: 0 },
  });
});
