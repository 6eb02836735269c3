import { env, evictDurableObject } from "cloudflare:test";
import { beforeEach, describe, expect, test } from "vitest";

import { readSettings } from "../../src/config/settings.ts";
import type { JobView } from "../../src/api/job-view.ts";
import { startScheduledExports } from "../../src/intake/scheduled.ts";
import { api, emptyDatabase, ended, query } from "../support/api.ts";

const NIGHTLY = "0 3 * * *";
const HOURLY = "0 * * * *";

function scheduled(...entries: object[]): typeof env {
  return { ...env, EXPORT_SCHEDULE: JSON.stringify(entries) } as typeof env;
}

async function listJobs(): Promise<JobView[]> {
  return (await (await api("/export/jobs?limit=100")).json<{ jobs: JobView[] }>()).jobs;
}

async function endAll(): Promise<void> {
  for (const job of await listJobs()) await ended(job.jobId);
}

beforeEach(async () => {
  await endAll();
  await emptyDatabase();
});

describe("a tick of the cron trigger", () => {
  test("starts what the schedule names, once however often it is delivered", async () => {
    await query("CREATE TABLE t(a)");
    const before = await listJobs();
    const tick = { cron: NIGHTLY, scheduledTime: 1_790_000_000_000 };
    await startScheduledExports(scheduled({ retentionHours: 24 }), tick);
    await endAll();
    await startScheduledExports(scheduled({ retentionHours: 24 }), tick);
    const made = (await listJobs()).slice(0, -before.length || undefined);
    expect(made).toMatchObject([{ status: "completed", source: "main" }]);
    expect(made[0]?.links.self).toBe(`https://export.example.com/export/dump/${made[0]?.jobId}`);
  });

  test("starts the entries of its own trigger alone", async () => {
    const count = (await listJobs()).length;
    const schedule = scheduled({ cron: HOURLY });
    await startScheduledExports(schedule, { cron: NIGHTLY, scheduledTime: 1 });
    expect(await listJobs()).toHaveLength(count);
    await startScheduledExports(schedule, { cron: HOURLY, scheduledTime: 1 });
    expect(await listJobs()).toHaveLength(count + 1);
  });

  test("leaves out a source that is still being exported", async () => {
    const schedule = scheduled({});
    await startScheduledExports(schedule, { cron: HOURLY, scheduledTime: 2 });
    const count = (await listJobs()).length;
    await startScheduledExports(schedule, { cron: HOURLY, scheduledTime: 3 });
    expect(await listJobs()).toHaveLength(count);
  });

  test("links to the public URL, its path included, where there is one", async () => {
    const named = { ...scheduled({}), EXPORT_PUBLIC_URL: "https://backups.example.com/x" };
    await startScheduledExports(named, { cron: HOURLY, scheduledTime: 4 });
    const [job] = await listJobs();
    expect(job?.links.self).toBe(`https://backups.example.com/x/export/dump/${job?.jobId}`);
  });
});

describe("an entry with proveEvery", () => {
  /** Runs the ticks of `cron` at these times, one after the other, and returns what each job verifies. */
  async function run(entries: object[], cron: string, times: number[]): Promise<string[]> {
    const verified: string[] = [];
    for (const scheduledTime of times) {
      await startScheduledExports(scheduled(...entries), { cron, scheduledTime });
      await endAll();
      verified.push((await listJobs())[0]?.verify ?? "");
    }
    return verified;
  }

  beforeEach(async () => {
    for (const { jobId } of await listJobs()) {
      await api(`/export/dump/${jobId}`, { method: "DELETE" });
    }
  });

  test("proves its first run, and then every such run", async () => {
    const entry = { proveEvery: 3, retentionHours: 24 };
    expect(await run([entry], NIGHTLY, [1, 2, 3, 10, 20])).toEqual([
      "restore",
      "checksum",
      "checksum",
      "restore",
      "checksum",
    ]);
    const proofs = (await listJobs()).map(({ proof }) => proof.state);
    expect(proofs).toEqual(["none", "proved", "none", "none", "proved"]);
  });

  test("proves each run with 1, as an entry with only verify does", async () => {
    const entries = [{ proveEvery: 1 }, { source: "shop", verify: "restore" }];
    await run(entries, NIGHTLY, [1, 2]);
    expect((await listJobs()).map(({ verify }) => verify)).toEqual(Array(4).fill("restore"));
  });

  test("counts a tick once if it is delivered again, also late and after a restart", async () => {
    const entry = { proveEvery: 2 };
    expect(await run([entry], NIGHTLY, [1, 2])).toEqual(["restore", "checksum"]);
    await evictDurableObject(env.EXPORT_JOBS.getByName("jobs"));
    await run([entry], NIGHTLY, [2, 1]);
    expect(await listJobs()).toHaveLength(2);
    expect(await run([entry], NIGHTLY, [3, 4])).toEqual(["restore", "checksum"]);
  });

  test("counts only its own runs", async () => {
    const entries = [
      { cron: NIGHTLY, proveEvery: 3 },
      { cron: HOURLY, verify: "restore", content: "schema" },
    ];
    expect(await run(entries, HOURLY, [1])).toEqual(["restore"]);
    expect(await run(entries, NIGHTLY, [2])).toEqual(["restore"]);
    expect(await run(entries, HOURLY, [3])).toEqual(["restore"]);
    expect(await run(entries, NIGHTLY, [4])).toEqual(["checksum"]);
    const tenants = ["a", "b"].map((name) => ({ source: "tenants", name, proveEvery: 3 }));
    await run(tenants, NIGHTLY, [5]);
    expect((await listJobs()).slice(0, 2).map(({ verify }) => verify)).toEqual([
      "restore",
      "restore",
    ]);
  });

  test("proves the next run if the jobs before it were deleted", async () => {
    const entry = { proveEvery: 5 };
    expect(await run([entry], NIGHTLY, [1, 2])).toEqual(["restore", "checksum"]);
    const [, proved] = await listJobs();
    await api(`/export/dump/${proved?.jobId}`, { method: "DELETE" });
    expect(await run([entry], NIGHTLY, [3])).toEqual(["restore"]);
  });
});

describe("EXPORT_SCHEDULE", () => {
  test.each([
    [
      "a proof of rows without their tables",
      '[{"verify":"restore","content":"data"}]',
      'EXPORT_SCHEDULE.0.verify: a dump of rows without their tables cannot be restored by itself, so "verify"',
    ],
    [
      "a proof of some runs in a format that cannot be restored",
      '[{"proveEvery":7,"format":"csv"}]',
      "EXPORT_SCHEDULE.0.verify: a dump in csv cannot be restored",
    ],
    [
      "a proof of some runs that only compare checksums",
      '[{"proveEvery":7,"verify":"checksum"}]',
      'EXPORT_SCHEDULE.0.proveEvery: implies "verify": "restore", and the entry says "checksum"',
    ],
    [
      "no number of runs",
      '[{"proveEvery":0}]',
      "EXPORT_SCHEDULE.0.proveEvery: expected at least 1",
    ],
    [
      "something to encrypt that is neither copies nor all",
      '[{},{"source":"shop","encrypt":"files"}]',
      "EXPORT_SCHEDULE.1.encrypt",
    ],
    ["no JSON", "[", "EXPORT_SCHEDULE: expected JSON"],
    ["no list", "{}", "EXPORT_SCHEDULE"],
    ["a field that no request has", '[{"formt":"sql"}]', "EXPORT_SCHEDULE.0.formt"],
    ["a value that no request has", '[{"format":"xml"}]', "EXPORT_SCHEDULE.0.format"],
  ])("that is %s is refused by name", (_what, value, words) => {
    expect(() => readSettings({ ...env, EXPORT_SCHEDULE: value })).toThrow(words);
  });

  test("that asks for proofs needs the class of scratch databases", () => {
    const { EXPORT_SCRATCH: _, ...unbound } = env as unknown as Record<string, unknown>;
    for (const entry of [{ proveEvery: 7 }, { verify: "restore" }]) {
      expect(() => readSettings({ ...unbound, EXPORT_SCHEDULE: [entry] })).toThrow(
        "EXPORT_SCHEDULE asks for proofs by a restore, and binding EXPORT_SCRATCH is missing",
      );
    }
    expect(() => readSettings({ ...unbound, EXPORT_SCHEDULE: [{}] })).not.toThrow();
  });

  test("may be text or what the configuration file holds", () => {
    const entries = [{ cron: HOURLY, source: "main" }];
    const asText = readSettings({ ...env, EXPORT_SCHEDULE: JSON.stringify(entries) });
    const asJson = readSettings({ ...env, EXPORT_SCHEDULE: entries });
    expect(asText.schedule).toEqual(asJson.schedule);
    expect(asText.schedule).toMatchObject(entries);
  });

  test("names a source once for each tick", () => {
    const twice = scheduled({ retentionHours: 24 }, { cron: HOURLY, content: "schema" });
    expect(() => readSettings(twice)).toThrow("one entry per source for each cron expression");
    const apart = scheduled({ cron: NIGHTLY }, { cron: HOURLY, content: "schema" });
    expect(readSettings(apart).schedule).toHaveLength(2);
    const objects = scheduled({ source: "tenants", name: "a" }, { source: "tenants", name: "b" });
    expect(readSettings(objects).schedule).toHaveLength(2);
  });

  test("that names no configured source fails the tick and says which", async () => {
    await expect(
      startScheduledExports(scheduled({ source: "nowhere" }), { cron: HOURLY, scheduledTime: 5 }),
    ).rejects.toThrow('there is no source "nowhere"');
  });

  test.each(["copies", "all"])(
    "that encrypts %s without a recipient fails the tick, and reports why",
    async (encrypt) => {
      const count = (await listJobs()).length;
      await expect(
        startScheduledExports(scheduled({ encrypt }), { cron: HOURLY, scheduledTime: 6 }),
      ).rejects.toThrow("encrypt: EXPORT_AGE_RECIPIENTS contains no public key");
      expect(await listJobs()).toHaveLength(count);
    },
  );
});
