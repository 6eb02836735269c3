import { env } from "cloudflare:test";
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

describe("EXPORT_SCHEDULE", () => {
  test.each([
    ["no JSON", "[", "EXPORT_SCHEDULE: expected JSON"],
    ["no list", "{}", "EXPORT_SCHEDULE"],
    ["a field that no request has", '[{"formt":"sql"}]', "EXPORT_SCHEDULE.0.formt"],
    ["a value that no request has", '[{"format":"xml"}]', "EXPORT_SCHEDULE.0.format"],
  ])("that is %s is refused by name", (_what, value, words) => {
    expect(() => readSettings({ ...env, EXPORT_SCHEDULE: value })).toThrow(words);
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
});
