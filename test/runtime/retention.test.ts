import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";

import type { JobView } from "../../src/api/job-view.ts";
import type { KeepReason } from "../../src/api/retention-policy.ts";
import { startScheduledExports } from "../../src/intake/scheduled.ts";
import { api, download, emptyDatabase, ended, query, startExport } from "../support/api.ts";
import { listStoredKeys } from "../support/stored-keys.ts";

const jobs = env.EXPORT_JOBS.getByName("jobs");
const { ARCHIVE_BUCKET: archive } = env as unknown as { ARCHIVE_BUCKET: R2Bucket };
const HOUR_MS = 3_600_000;

let series = "";
let count = 0;
beforeEach(async () => {
  series = `series ${(count += 1)}`;
  await emptyDatabase();
  await query("CREATE TABLE t(a)");
});

/** Exports into the test's series. */
async function exported(retention: object, body: object = {}): Promise<JobView> {
  return ended((await startExport({ series, retention, ...body })).jobId);
}

/** The same, as if the snapshot had been taken at `time`. */
async function exportedAt(time: string, retention: object): Promise<JobView> {
  const view = await exported(retention);
  await change(view.jobId, `snapshot_at_ms = ${Date.parse(time)}`);
  return view;
}

function change(jobId: string, assignments: string): Promise<void> {
  return runInDurableObject(jobs, (_, { storage }) => {
    storage.sql.exec(`UPDATE tmp_export_jobs SET ${assignments} WHERE job_id = ?`, jobId);
  });
}

async function viewOf({ jobId }: JobView): Promise<JobView> {
  return (await api(`/export/dump/${jobId}`)).json<JobView>();
}

/** What keeps a job, without the periods; undefined if its files are no longer offered. */
async function keepersOf(job: JobView): Promise<string[] | undefined> {
  const { status, retention } = await viewOf(job);
  if (status === "expired") return undefined;
  return retention?.keptBy?.map(({ rule }) => rule);
}

async function runWatchdog(): Promise<void> {
  await runInDurableObject(jobs, async (_, { storage }) => {
    storage.sql.exec("UPDATE tmp_export_job_copy_discards SET due_at_ms = 0");
    await storage.setAlarm(Date.now() + HOUR_MS);
  });
  await runDurableObjectAlarm(jobs);
}

const listFiles = ({ jobId }: JobView): Promise<string[]> => listStoredKeys(jobId);

describe("a series", () => {
  test("keeps what its policy keeps, and deletes the files of the rest", async () => {
    const first = await exported({ keepLast: 2 });
    expect(await keepersOf(first)).toEqual(["newest", "keepLast"]);
    expect(first.expiresAt).toBe(null);
    const second = await exported({ keepLast: 2 });
    expect(await keepersOf(first)).toEqual(["keepLast"]);
    const third = await exported({ keepLast: 2 });
    expect(await keepersOf(second)).toEqual(["keepLast"]);
    expect(await keepersOf(third)).toEqual(["newest", "keepLast"]);
    expect(await viewOf(first)).toMatchObject({
      status: "expired",
      retention: { series, policy: { keepLast: 2 }, keptBy: [] },
    });
    expect(await listFiles(first)).not.toEqual([]);
    await runWatchdog();
    expect(await listFiles(first)).toEqual([]);
    expect((await api(`/export/dump/${first.jobId}/download`)).status).toBe(410);
    expect((await download(second.jobId)).byteLength).toBeGreaterThan(0);
  });

  test("explains each rule with its period, by the time of the snapshot in UTC", async () => {
    const policy = { keepDaily: 2, keepYearly: 5 };
    const old = await exportedAt("2020-06-15T12:00:00Z", policy);
    const early = await exportedAt("2024-02-29T00:00:00Z", policy);
    const late = await exportedAt("2024-02-29T23:59:59Z", policy);
    const now = await exported(policy);
    const reasonsOf = async (job: JobView) => (await viewOf(job)).retention?.keptBy;
    expect(await reasonsOf(old)).toEqual([
      { rule: "keepYearly", period: "2020" },
    ] satisfies KeepReason[]);
    expect(await reasonsOf(early)).toEqual([]);
    expect(await reasonsOf(late)).toEqual([
      { rule: "keepDaily", period: "2024-02-29" },
      { rule: "keepYearly", period: "2024" },
    ]);
    expect(await reasonsOf(now)).toEqual([
      { rule: "newest" },
      { rule: "keepDaily", period: now.snapshotAt?.slice(0, 10) },
      { rule: "keepYearly", period: now.snapshotAt?.slice(0, 4) },
    ]);
  });

  test("follows the policy of the export that completes", async () => {
    const first = await exported({ keepLast: 1 });
    const second = await exported({ keepLast: 2 });
    expect(await keepersOf(first)).toEqual(["keepLast"]);
    await exported({ keepYearly: 1 });
    expect(await keepersOf(first)).toBe(undefined);
    expect(await keepersOf(second)).toBe(undefined);
  });

  test("deletes nothing when an export fails or is cancelled, so the newest stays", async () => {
    const first = await exported({ keepLast: 1 });
    const running = await startExport({ series, retention: { keepLast: 1 } });
    await api(`/export/dump/${running.jobId}`, { method: "DELETE" });
    expect((await ended(running.jobId)).status).toMatch(/cancelled|completed/);
    const left = [await keepersOf(first), (await viewOf(running)).status];
    expect(left).toContainEqual(left[1] === "cancelled" ? ["newest", "keepLast"] : undefined);
  });

  test("contains only the exports of one database and name", async () => {
    const main = await exported({ keepLast: 1 });
    const shop = await exported({ keepLast: 1 }, { source: "shop" });
    const other = await exported({ keepLast: 1 }, { series: `${series} of another name` });
    const apart = await ended((await startExport()).jobId);
    for (const job of [main, shop, other]) {
      expect(await keepersOf(job)).toEqual(["newest", "keepLast"]);
    }
    expect(apart.retention).toBe(null);
    expect(apart.expiresAt).not.toBe(null);
  });
});

describe("an export that no rule keeps", () => {
  test("stays while a download reads it, and expires with the next export", async () => {
    const first = await exported({ keepLast: 1 });
    const second = await exported({ keepLast: 1 });
    expect(await keepersOf(first)).toBe(undefined);
    await download(second.jobId);
    await exported({ keepLast: 1 });
    expect(await keepersOf(second)).toEqual(["in-use"]);
    await runWatchdog();
    expect((await download(second.jobId)).byteLength).toBeGreaterThan(0);
    await change(second.jobId, "read_until_ms = 1");
    await exported({ keepLast: 1 });
    expect(await keepersOf(second)).toBe(undefined);
  });

  test("is not held by a look at its headers or its manifest", async () => {
    const first = await exported({ keepLast: 1 });
    await api(`/export/dump/${first.jobId}/download`, { method: "HEAD" });
    await (await api(`/export/dump/${first.jobId}/manifest`)).body?.cancel();
    await exported({ keepLast: 1 });
    expect(await keepersOf(first)).toBe(undefined);
  });

  test("stays while a restore reads it", async () => {
    const first = await exported({ keepLast: 1 });
    const restoreId = crypto.randomUUID();
    await runInDurableObject(jobs, (_, { storage }) => {
      const request = JSON.stringify({ restore: { from: { jobId: first.jobId } } });
      storage.sql.exec(
        `INSERT INTO tmp_export_jobs (job_id, kind, source, database_key, state, request_json,
           request_digest, origin, run, created_at_ms, heartbeat_at_ms)
         VALUES (?, 'restore', 's', 'another', 'running', ?, '', '', 1, ?3, ?3)`,
        restoreId,
        request,
        Date.now(),
      );
    });
    await exported({ keepLast: 1 });
    expect(await keepersOf(first)).toEqual(["in-use"]);
    await runInDurableObject(jobs, (_, { storage }) => {
      storage.sql.exec("DELETE FROM tmp_export_jobs WHERE job_id = ?", restoreId);
    });
    await exported({ keepLast: 1 });
    expect(await keepersOf(first)).toBe(undefined);
  });

  test("stays until its copies are made or abandoned", async () => {
    const first = await exported({ keepLast: 1 }, { copyTo: ["missing"] });
    expect(first.copies).toMatchObject([{ state: "retrying" }]);
    await exported({ keepLast: 1 });
    expect(await keepersOf(first)).toEqual(["in-use"]);
    await runInDurableObject(jobs, (_, { storage }) => {
      storage.sql.exec("UPDATE tmp_export_job_copies SET state = 'failed'");
    });
    await exported({ keepLast: 1 });
    expect(await keepersOf(first)).toBe(undefined);
  });

  test("loses its copy only at a destination that says prune", async () => {
    const first = await exported({ keepLast: 1 }, { copyTo: ["archive", "pruned"] });
    const folders = first.copies.map(({ folder }) => folder);
    await exported({ keepLast: 1 });
    await runWatchdog();
    await runWatchdog();
    const kept = await Promise.all(
      folders.map(async (prefix) => (await archive.list({ prefix })).objects.length),
    );
    expect(kept).toEqual([2, 0]);
    const { copies } = await viewOf(first);
    expect(copies.map(({ state }) => state)).toEqual(["copied", "deleted"]);
  });
});

test("files that a download reads outlive the end of their retention hours", async () => {
  const job = await ended((await startExport({ retentionHours: 1 })).jobId);
  await download(job.jobId);
  await change(job.jobId, "expires_at_ms = 1");
  await runWatchdog();
  expect(await listFiles(job)).not.toEqual([]);
  expect((await api(`/export/dump/${job.jobId}/download`)).status).toBe(410);
  await change(job.jobId, "read_until_ms = 1");
  await runWatchdog();
  expect(await listFiles(job)).toEqual([]);
});

describe("a request", () => {
  test.each([
    [{ retention: { keepLast: 1 } }, "series", "expected the name of the series"],
    [{ series: "s" }, "retention", "EXPORT_RETENTION is not set"],
    [{ series: "s", retention: {} }, "retention", "expected at least one of"],
    [{ series: "s", retention: { keepLast: 1 }, retentionHours: 5 }, "retentionHours", "by hours"],
    [{ series: " s", retention: { keepLast: 1 } }, "series", "visible ASCII"],
  ])("is refused if it is %j", async (body, path, message) => {
    const response = await api("/export/dump", { method: "POST", body: JSON.stringify(body) });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      code: "invalid-request",
      issues: [{ path, message: expect.stringContaining(message) }],
    });
  });
});

describe("a schedule", () => {
  async function run(entry: object, vars: object = {}): Promise<JobView> {
    const tick = { cron: "0 3 * * *", scheduledTime: Date.now() + (count += 1) };
    const EXPORT_SCHEDULE = JSON.stringify([entry]);
    await startScheduledExports({ ...env, EXPORT_SCHEDULE, ...vars } as typeof env, tick);
    const { jobs: list } = await (await api("/export/jobs?limit=1")).json<{ jobs: JobView[] }>();
    return ended(list[0]?.jobId ?? "");
  }

  test("keeps an entry's exports by its policy, in a series of its own", async () => {
    const retention = { keepLast: 1 };
    const daily = await run({ cron: "0 3 * * *", retention });
    expect(daily.retention).toMatchObject({ series: "schedule 0 3 * * *", policy: retention });
    const every = await run({ retention });
    expect(every.retention?.series).toBe("schedule");
    expect(await keepersOf(daily)).toEqual(["newest", "keepLast"]);
    const named = await run({ retention, series: "nightly" });
    expect(named.retention?.series).toBe("nightly");
    await run({ retention });
    expect(await keepersOf(every)).toBe(undefined);
  });

  test("copies an entry's exports to its destinations", async () => {
    const { copies } = await run({ retention: { keepLast: 1 }, copyTo: ["archive"] });
    expect(copies).toMatchObject([{ destination: "archive", state: "copied" }]);
  });

  test("takes the policy of EXPORT_RETENTION, unless the entry says retentionHours", async () => {
    const vars = { EXPORT_RETENTION: JSON.stringify({ keepDaily: 7 }) };
    expect((await run({}, vars)).retention?.policy).toEqual({ keepDaily: 7 });
    expect((await run({ retentionHours: 5 }, vars)).retention).toBe(null);
    expect((await run({})).retention).toBe(null);
  });

  test.each([
    [{ series: "s" }, {}, "an entry has a series and no policy"],
    [{ retention: { keepLast: 1 }, retentionHours: 5 }, {}, "retentionHours"],
    [{}, { EXPORT_RETENTION: "{}" }, "EXPORT_RETENTION"],
  ])("is refused if an entry is %j and the vars are %j", async (entry, vars, message) => {
    await expect(run(entry, vars)).rejects.toThrow(message);
  });
});
