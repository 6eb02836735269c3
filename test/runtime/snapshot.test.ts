import { env, introspectWorkflow } from "cloudflare:test";
import { beforeEach, describe, expect, test } from "vitest";

import type { Manifest } from "../../src/api/manifest.ts";
import { durableObjectSource } from "../../src/databases/durable-object/durable-object-source.ts";
import { SnapshotNames } from "../../src/reading/snapshot/names.ts";
import { freeze, SNAPSHOT_ID } from "../support/frozen-database.ts";
import {
  api,
  download,
  emptyDatabase,
  ended,
  query,
  snapshotObjects,
  startExport,
} from "../support/api.ts";
import { inJobs } from "../support/writing-job.ts";
import { ACCOUNTS, bankProblems, openBank, rowsOf, startTransfers } from "../support/bank.ts";

beforeEach(emptyDatabase);

const database = () => env.DATABASE_DURABLE_OBJECT.getByName("sql-durable-object");

describe("a snapshot export", () => {
  test("shows one instant of a bank whose money moves all the while, and is the default", async () => {
    await openBank();
    const jobs: string[] = [];
    const writers = startTransfers(4);
    try {
      for (let n = 0; n < 2; n += 1) {
        const before = writers.count;
        const view = await ended((await startExport()).jobId);
        expect(view).toMatchObject({ status: "completed", consistency: "snapshot", warnings: [] });
        expect(writers.count - before).toBeGreaterThanOrEqual(200);
        jobs.push(view.jobId);
      }
    } finally {
      await writers.stop();
    }
    for (const jobId of jobs) expect(await bankProblems(jobId)).toEqual([]);
    const moved = "SELECT count(*) > 0 AS moved FROM ledger";
    expect(await rowsOf(moved, `restored-${jobs.at(-1)}`)).toEqual([{ moved: 1 }]);
    expect(await snapshotObjects()).toEqual([]);
  });

  test("says in job view and manifest what it promises, and when the instant was", async () => {
    await query("CREATE TABLE t(a)");
    const before = Date.now();
    const view = await ended((await startExport({ consistency: "snapshot" })).jobId);
    const manifest = await (await api(`/export/dump/${view.jobId}/manifest`)).json<Manifest>();
    const method = { requestedConsistency: "snapshot", snapshotMethod: "undo-log" };
    expect(view).toMatchObject({ consistency: "snapshot", ...method });
    expect(manifest).toMatchObject({ consistency: "undo-log", ...method });
    expect(manifest.snapshotAt).toBe(view.snapshotAt);
    expect(Date.parse(manifest.snapshotAt)).toBeGreaterThanOrEqual(before - 1_000);
    const live = await ended((await startExport({ consistency: "live" })).jobId);
    const none = { consistency: "live", requestedConsistency: "live", snapshotMethod: null };
    expect(live).toMatchObject({ status: "completed", ...none });
    const ofLive = await api(`/export/dump/${live.jobId}/manifest`);
    expect(await ofLive.json()).toMatchObject(none);
    expect(live.usage.rowsWritten).toBe(0);
  });

  test("begins again where the schema changes meanwhile, and says so", async () => {
    await openBank();
    await using workflows = await introspectWorkflow(env.EXPORT_WORKFLOW);
    const { jobId } = await startExport();
    for (;;) {
      const view = await (
        await api(`/export/dump/${jobId}`)
      ).json<{ progress: { rows: number } }>();
      if (view.progress.rows > 0) break;
      await scheduler.wait(5);
    }
    await query("ALTER TABLE accounts ADD COLUMN opened DEFAULT 'today'");
    const view = await ended(jobId);
    expect(view).toMatchObject({ status: "completed", error: null });
    expect(view.warnings).toEqual([expect.stringContaining("restarted with a new snapshot")]);
    expect(view.progress.rows).toBe(ACCOUNTS);
    expect(new TextDecoder().decode(await download(jobId))).toContain("opened");
    const [instance] = await workflows.get();
    expect(await instance?.waitForStepResult({ name: "start over 1" })).toMatchObject({
      again: true,
    });
    expect(await instance?.waitForStepResult({ name: "open snapshot 2" })).toBeDefined();
    expect(await snapshotObjects()).toEqual([]);
  });

  test.each([
    ["schema-changed", async (n: number) => query(`CREATE TABLE later${n}(a)`)],
    [
      "snapshot-lost",
      async () => {
        const [trigger] = (await rowsOf(
          "SELECT name FROM sqlite_master WHERE name GLOB 'tmp_export_snapshot_*_before_delete'",
        )) as { name: string }[];
        await query(`DROP TRIGGER "${trigger?.name}"`);
      },
    ],
    [
      "plan-changed",
      async () => {
        await inJobs("UPDATE tmp_export_jobs SET plan_digest = 'of another version'");
      },
    ],
  ])("begins again twice at most, then fails with %s", async (code, change) => {
    await openBank();
    await using workflows = await introspectWorkflow(env.EXPORT_WORKFLOW);
    const { jobId } = await startExport();
    for (let n = 1; ; n += 1) {
      const [instance] = await workflows.get();
      await instance?.waitForStepResult({ name: n === 1 ? "open snapshot" : `open snapshot ${n}` });
      await change(n);
      if (n === 3) break;
    }
    const view = await ended(jobId);
    expect(view).toMatchObject({ status: "failed", error: { code }, artifacts: [] });
    expect(await snapshotObjects()).toEqual([]);
  });

  test.each(["of another version", null])(
    "begins again if its plan is %s, as after a deploy in its middle",
    async (digest) => {
      await openBank();
      await using workflows = await introspectWorkflow(env.EXPORT_WORKFLOW);
      const { jobId } = await startExport();
      const [instance] = await workflows.get();
      await instance?.waitForStepResult({ name: "open snapshot" });
      await inJobs("UPDATE tmp_export_jobs SET plan_digest = ? WHERE job_id = ?", digest, jobId);
      const view = await ended(jobId);
      expect(view.status).toBe("completed");
      expect(view.warnings).toEqual([
        expect.stringContaining("restarted with a new snapshot: another version of the Worker"),
      ]);
    },
  );

  test("fails at once, and leaves nothing behind, where a table cannot be watched", async () => {
    const columns = Array.from({ length: 100 }, (_, n) => `[${`${n}`.padEnd(850, '"')}]`);
    await query(`CREATE TABLE wide(${columns.join(", ")})`);
    const view = await ended((await startExport()).jobId);
    expect(view).toMatchObject({
      status: "failed",
      error: { code: "table-too-wide-for-snapshot" },
    });
    expect(await snapshotObjects()).toEqual([]);
  });

  test("waits for nobody: another deployment's snapshot is named, a leftover of its own is removed", async () => {
    await query("CREATE TABLE t(a)", "INSERT INTO t VALUES (1)");
    const source = durableObjectSource(database);
    await freeze(source, { jobId: "of another deployment" });
    await using workflows = await introspectWorkflow(env.EXPORT_WORKFLOW);
    await workflows.modifyAll(async (instance) => instance.disableRetryDelays());
    const refused = await ended((await startExport()).jobId);
    expect(refused.error).toMatchObject({
      code: "snapshot-busy",
      message: expect.stringContaining("of another deployment"),
    });
    await query(`UPDATE "${new SnapshotNames(SNAPSHOT_ID).state}" SET job_id = '${refused.jobId}'`);
    const view = await ended((await startExport()).jobId);
    expect(view.status).toBe("completed");
    expect(await snapshotObjects()).toEqual([]);
  });
});
