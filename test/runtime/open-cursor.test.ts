import { env, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, expect, test } from "vitest";

import { durableObjectSource } from "../../src/databases/durable-object/durable-object-source.ts";
import { closeSnapshot, sweepSnapshots } from "../../src/reading/snapshot/close-snapshot.ts";
import { api, emptyDatabase, ended, query, snapshotObjects, startExport } from "../support/api.ts";
import { freeze, SNAPSHOT_ID } from "../support/frozen-database.ts";
import { inJobs } from "../support/writing-job.ts";
import type { JobView } from "../../src/api/job-view.ts";

const OTHER_ID = "ffff0000-0000-4000-8000-000000000002";

const object = env.DATABASE_DURABLE_OBJECT.getByName("sql-durable-object");
const source = durableObjectSource(() => object);

/** Cursors that are not read to their end, as after `const [row] = sql.exec(…)`. */
let open: SqlStorageCursor<Record<string, SqlStorageValue>>[] = [];

async function openCursor(): Promise<void> {
  await runInDurableObject(object, (_, { storage }) => {
    const cursor = storage.sql.exec("SELECT * FROM t");
    cursor.next();
    open.push(cursor);
  });
}

async function closeCursors(): Promise<void> {
  await runInDurableObject(object, () => {
    for (const cursor of open.splice(0)) cursor.toArray();
  });
}

beforeEach(async () => {
  await emptyDatabase();
  await query("CREATE TABLE t(id INTEGER PRIMARY KEY, a)", "INSERT INTO t VALUES (1, 1), (2, 2)");
});

afterEach(closeCursors);

const triggers = (): Promise<unknown[][]> =>
  source
    .query({ sql: "SELECT name FROM sqlite_master WHERE type = 'trigger'" })
    .then(({ rows }) => rows);

test("a snapshot is closed beside an open cursor, and its empty tables are dropped later", async () => {
  await freeze(source);
  await query("UPDATE t SET a = 3");
  await openCursor();
  const left = await closeSnapshot(source, SNAPSHOT_ID);
  expect(left).toBeGreaterThan(0);
  expect(await triggers()).toEqual([]);
  await query("UPDATE t SET a = 4");

  await freeze(source, { snapshotId: OTHER_ID, jobId: "other" });
  expect(await closeSnapshot(source, OTHER_ID)).toBeGreaterThan(0);
  await closeCursors();
  await sweepSnapshots(source, () => false);
  expect(await snapshotObjects()).toEqual([]);
});

test("jobs are completed one after the other beside an open cursor, and the tables go with it", async () => {
  await openCursor();
  const jobIds: string[] = [];
  for (let n = 0; n < 2; n += 1) {
    const view = await ended((await startExport()).jobId);
    expect(view.status).toBe("completed");
    expect(view.warnings).toEqual([expect.stringContaining("snapshot-tables-left")]);
    jobIds.push(view.jobId);
  }
  expect(await triggers()).toEqual([]);
  await closeCursors();
  await inJobs("UPDATE tmp_export_jobs SET completed_at_ms = completed_at_ms - 3600000");
  await runInDurableObject(env.EXPORT_JOBS.getByName("jobs"), (jobs) => jobs.alarm());
  for (const jobId of jobIds) {
    await expect
      .poll(async () => (await (await api(`/export/dump/${jobId}`)).json<JobView>()).warnings, {
        timeout: 20_000,
      })
      .toEqual([]);
  }
  expect(await snapshotObjects()).toEqual([]);
});
