import { env, introspectWorkflow, runInDurableObject } from "cloudflare:test";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";

import type { JobView } from "../../src/api/job-view.ts";
import type { Manifest } from "../../src/api/manifest.ts";
import { durableObjectSource } from "../../src/databases/durable-object/durable-object-source.ts";
import { unwrap } from "../../src/rpc/outcome.ts";
import { closeRunSnapshot } from "../../src/workflows/ending/close-snapshot.ts";
import { openRunContext } from "../../src/workflows/engine/run-context.ts";
import { beginExport } from "../../src/workflows/export/begin-export.ts";
import {
  api,
  download,
  emptyDatabase,
  ended,
  query,
  snapshotObjects,
  startExport,
} from "../support/api.ts";
import { exportDatabase } from "../support/dump-database.ts";
import { failSteps, type Fault, FAULTS, type StepFaults } from "../support/faulty-steps.ts";
import { insertOrphan } from "../support/orphan-job.ts";
import { inJobs } from "../support/writing-job.ts";

const vars = env as unknown as Record<string, string>;
const source = durableObjectSource(() =>
  env.DATABASE_DURABLE_OBJECT.getByName("sql-durable-object"),
);

beforeAll(() => {
  vars["EXPORT_ONE_TURN_BYTES"] = "2097152";
});

afterAll(() => {
  vars["EXPORT_ONE_TURN_BYTES"] = "0";
});

beforeEach(async () => {
  await emptyDatabase();
  await query(
    "CREATE TABLE a(id INTEGER PRIMARY KEY, x TEXT)",
    "CREATE TABLE b(k TEXT PRIMARY KEY, y) WITHOUT ROWID",
    "INSERT INTO a WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) SELECT i, printf('%0700d', i) FROM n",
    "INSERT INTO b VALUES ('one', 1), ('two', X'00ff')",
  );
});

const manifestOf = async (jobId: string): Promise<Manifest> =>
  (await api(`/export/dump/${jobId}/manifest`)).json<Manifest>();

const keptRows = (jobId: string): Promise<unknown[]> =>
  inJobs("SELECT kind FROM tmp_export_job_blobs WHERE job_id = ?", jobId);

/** The files of a completed job, by name. */
async function filesOf({ artifacts }: JobView): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const { name, downloadUrl } of artifacts) {
    const response = await api(new URL(downloadUrl).pathname);
    files[name] = new TextDecoder().decode(await response.arrayBuffer());
  }
  return files;
}

test.each(["sql", "csv", "ndjson"] as const)(
  "exports a small database as %s in one turn, without a trigger or a written row",
  async (format) => {
    const expected = await exportDatabase(source, undefined, { format });
    const view = await ended((await startExport({ format })).jobId);
    expect(view).toMatchObject({
      status: "completed",
      consistency: "snapshot",
      warnings: [],
      usage: { rowsWritten: 0 },
    });
    expect(view.tables.map(({ name, rows, status }) => [name, rows, status])).toEqual([
      ["a", 2000, "done"],
      ["b", 2, "done"],
    ]);
    const files = await filesOf(view);
    for (const { name, bytes } of expected.files) {
      expect(files[name]).toBe(new TextDecoder().decode(bytes));
    }
    expect(Object.keys(files)).toHaveLength(expected.files.length);
    const manifest = await manifestOf(view.jobId);
    const method = { requestedConsistency: "snapshot", snapshotMethod: "one-turn" };
    expect(view).toMatchObject(method);
    expect(manifest).toMatchObject({ consistency: "one-turn", ...method });
    expect(manifest.snapshotAt).toBe(view.snapshotAt);
    expect(await keptRows(view.jobId)).toEqual([]);
  },
);

test("is of the turn that read it, whatever is written before its file is", async () => {
  const expected = await exportDatabase(source);
  await using workflows = await introspectWorkflow(env.EXPORT_WORKFLOW);
  const { jobId } = await startExport();
  const [instance] = await workflows.get();
  await instance?.waitForStepResult({ name: "open snapshot" });
  await query("DELETE FROM a", "DROP TABLE b", "CREATE TABLE c(z)");
  const view = await ended(jobId);
  expect(view.status).toBe("completed");
  expect(await download(jobId)).toEqual(expected.files[0]?.bytes);
  expect(await snapshotObjects()).toEqual([]);
});

test("is exported from a snapshot if it is larger than may be read in one turn", async () => {
  await query("INSERT INTO a SELECT id + 10000, x || x FROM a");
  const view = await ended((await startExport()).jobId);
  expect((await manifestOf(view.jobId)).consistency).toBe("undo-log");
  expect(view.usage.rowsWritten).toBeGreaterThan(0);
});

test("counts the rows that were measured, although they are then exported from a snapshot", async () => {
  await query("INSERT INTO a SELECT id + 10000, x || x FROM a");
  const rowsRead = async (oneTurnBytes: number): Promise<number> => {
    const runId = { jobId: await insertOrphan(), run: 1 };
    const context = openRunContext(env, runId);
    await beginExport({ ...context, config: { ...context.config, oneTurnBytes } });
    const job = await env.EXPORT_JOBS.getByName("jobs").view(runId.jobId);
    await closeRunSnapshot(context);
    await api(`/export/dump/${runId.jobId}`, { method: "DELETE" });
    return unwrap(job).usage.rowsRead;
  };
  const measured = await rowsRead(2_097_152);
  const unmeasured = await rowsRead(0);
  // A sample of the first rows shows how many are too many.
  expect(measured - unmeasured).toBeGreaterThanOrEqual(200);
  expect(measured - unmeasured).toBeLessThan(4_000);
});

test("is exported from a snapshot if its text is too long for one answer", async () => {
  const names = Array.from({ length: 99 }, (_, n) => `a_column_with_a_long_descriptive_name_${n}`);
  const tables = Array.from({ length: 24 }, (_, n) => [
    `CREATE TABLE wide${n}(id INTEGER PRIMARY KEY, ${names.join(", ")})`,
    `INSERT INTO wide${n}(id) WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 330) SELECT i FROM n`,
  ]);
  await query("DELETE FROM a", ...tables.flat());
  const view = await ended((await startExport({ format: "ndjson" })).jobId);
  expect(view).toMatchObject({ status: "completed", progress: { rows: 24 * 330 + 2 } });
  expect((await manifestOf(view.jobId)).consistency).toBe("undo-log");
}, 60_000);

test("keeps nothing of what it has read once it is cancelled", async () => {
  await using workflows = await introspectWorkflow(env.EXPORT_WORKFLOW);
  const { jobId } = await startExport();
  const [instance] = await workflows.get();
  await instance?.waitForStepResult({ name: "open snapshot" });
  await api(`/export/dump/${jobId}`, { method: "DELETE" });
  await ended(jobId);
  expect(await keptRows(jobId)).toEqual([]);
});

describe("however a step of it fails,", () => {
  let faults: StepFaults | undefined;

  const steps = ["open snapshot", "export a 1"];
  test.each(steps.flatMap((step) => FAULTS.map((fault): [string, Fault] => [step, fault])))(
    "it ends with the whole files of one instant: %s, %s",
    async (step, fault) => {
      const expected = await exportDatabase(source, undefined, { format: "csv" });
      faults = failSteps((name) => name === step, fault);
      const view = await ended((await startExport({ format: "csv" })).jobId);
      await expect
        .poll(() => faults?.tries.filter((name) => name === step).length, { timeout: 20_000 })
        .toBeGreaterThan(1);
      await faults.restore();
      expect(view.status).toBe("completed");
      const files = await filesOf(view);
      for (const { name, bytes } of expected.files) {
        expect(files[name]).toBe(new TextDecoder().decode(bytes));
      }
      expect(await keptRows(view.jobId)).toEqual([]);
      expect(await snapshotObjects()).toEqual([]);
    },
  );
});

test("leaves a snapshot that an earlier attempt may have opened to be closed", async () => {
  const jobs = env.EXPORT_JOBS.getByName("jobs");
  const { jobId } = await startExport();
  await ended(jobId);
  await runInDurableObject(jobs, (instance, { storage }) => {
    storage.sql.exec(
      "UPDATE tmp_export_jobs SET state = 'running', cursor_json = NULL, snapshot_open = 1 WHERE job_id = ?",
      jobId,
    );
    return instance.recordSnapshot(
      { jobId, run: 1 },
      { snapshotId: crypto.randomUUID(), isFrozen: false },
    );
  });
  expect(
    await inJobs("SELECT snapshot_open AS n FROM tmp_export_jobs WHERE job_id = ?", jobId),
  ).toEqual([{ n: 1 }]);
  await inJobs(
    "UPDATE tmp_export_jobs SET state = 'failed', snapshot_open = 0 WHERE job_id = ?",
    jobId,
  );
});
