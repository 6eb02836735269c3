import { env, introspectWorkflow } from "cloudflare:test";
import { beforeEach, describe, expect, test } from "vitest";

import type { Manifest } from "../../src/model/manifest.ts";
import { durableObjectSource } from "../../src/source/durable-object-source.ts";
import { SnapshotNames } from "../../src/source/snapshot/names.ts";
import { freeze, SNAPSHOT_ID } from "../support/frozen-database.ts";
import { api, download, emptyDatabase, ended, query, startExport } from "../support/api.ts";
import { splitStatements } from "../support/sql-statements.ts";

beforeEach(emptyDatabase);

const database = () => env.DATABASE_DURABLE_OBJECT.getByName("sql-durable-object");

async function rowsOf(sql: string, name = "sql-durable-object"): Promise<unknown[]> {
  const object = env.DATABASE_DURABLE_OBJECT.getByName(name);
  return (await object.executeQuery({ sql })) as unknown[];
}

async function snapshotObjects(): Promise<unknown[]> {
  return rowsOf("SELECT name FROM sqlite_master WHERE substr(name, 1, 19) = 'tmp_export_snapshot'");
}

/** Loads a dump into a new object. */
async function restore(jobId: string): Promise<string> {
  const name = `restored-${jobId}`;
  const object = env.DATABASE_DURABLE_OBJECT.getByName(name);
  const text = new TextDecoder().decode(await download(jobId));
  const statements = splitStatements(text).map((sql) => ({ sql }));
  for (let at = 0; at < statements.length; at += 200) {
    await object.executeTransaction(statements.slice(at, at + 200), false);
  }
  return name;
}

const ACCOUNTS = 60_000;

/** Accounts with money, and a ledger of what was moved between them. */
async function openBank(): Promise<void> {
  await query(
    "CREATE TABLE accounts(id INTEGER PRIMARY KEY, balance INTEGER NOT NULL CHECK (balance >= 0), note TEXT)",
    "CREATE TABLE ledger(n INTEGER PRIMARY KEY, debit INTEGER, credit INTEGER, amount INTEGER)",
    `INSERT INTO accounts WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${ACCOUNTS})
     SELECT i, 1000, hex(zeroblob(60)) FROM n`,
  );
}

async function transfer(): Promise<void> {
  const [debit, credit] = [1, 2].map(() => 1 + Math.floor(Math.random() * ACCOUNTS));
  const amount = Math.floor(Math.random() * 10);
  await database().executeTransaction(
    [
      { sql: `UPDATE accounts SET balance = balance - ${amount} WHERE id = ${debit}` },
      { sql: `UPDATE accounts SET balance = balance + ${amount} WHERE id = ${credit}` },
      { sql: `INSERT INTO ledger(debit, credit, amount) VALUES (${debit}, ${credit}, ${amount})` },
    ],
    false,
  );
}

describe("a snapshot export", () => {
  test("shows one instant of a bank whose money moves all the while, and is the default", async () => {
    await openBank();
    const jobs: string[] = [];
    const end = new AbortController();
    let transfers = 0;
    const writers = [1, 2, 3, 4].map(async () => {
      while (!end.signal.aborted) {
        for (let n = 0; n < 10; n += 1) await transfer();
        transfers += 10;
        // Work within the process alone would keep the local runtime from polling the network.
        await scheduler.wait(1);
      }
    });
    try {
      for (let n = 0; n < 2; n += 1) {
        const before = transfers;
        const view = await ended((await startExport()).jobId);
        expect(view).toMatchObject({ status: "completed", consistency: "snapshot", warnings: [] });
        expect(transfers - before).toBeGreaterThanOrEqual(200);
        jobs.push(view.jobId);
      }
    } finally {
      end.abort();
      await Promise.all(writers);
    }
    for (const jobId of jobs) {
      const name = await restore(jobId);
      expect(await rowsOf("SELECT sum(balance) AS total FROM accounts", name)).toEqual([
        { total: ACCOUNTS * 1_000 },
      ]);
      const disagreeing = `SELECT id FROM accounts WHERE balance <> 1000
        + coalesce((SELECT sum(amount) FROM ledger WHERE credit = id), 0)
        - coalesce((SELECT sum(amount) FROM ledger WHERE debit = id), 0)`;
      await rowsOf("CREATE INDEX c ON ledger(credit)", name);
      await rowsOf("CREATE INDEX d ON ledger(debit)", name);
      expect(await rowsOf(disagreeing, name)).toEqual([]);
    }
    const moved = "SELECT count(*) > 0 AS moved FROM ledger";
    expect(await rowsOf(moved, `restored-${jobs.at(-1)}`)).toEqual([{ moved: 1 }]);
    expect(await snapshotObjects()).toEqual([]);
  });

  test("says in job view and manifest what it promises, and when the instant was", async () => {
    await query("CREATE TABLE t(a)");
    const before = Date.now();
    const view = await ended((await startExport({ consistency: "snapshot" })).jobId);
    const manifest = await (await api(`/export/dump/${view.jobId}/manifest`)).json<Manifest>();
    expect(manifest.consistency).toBe("undo-log");
    expect(manifest.snapshotAt).toBe(view.snapshotAt);
    expect(Date.parse(manifest.snapshotAt)).toBeGreaterThanOrEqual(before - 1_000);
    const live = await ended((await startExport({ consistency: "live" })).jobId);
    expect(live).toMatchObject({ status: "completed", consistency: "live" });
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
    expect(view.warnings).toEqual([expect.stringContaining("begun again with a new snapshot")]);
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

  test("fails at once, and leaves nothing behind, where a table cannot be watched", async () => {
    const columns = Array.from({ length: 100 }, (_, n) => `"${String(n).padEnd(450, "x")}" UNIQUE`);
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
