import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import * as v from "valibot";
import { beforeEach, describe, expect, test } from "vitest";

import { ExportRequestSchema } from "../../src/api/export-request.ts";
import { JobViewSchema } from "../../src/api/job-view.ts";
import { deleteJobRows } from "../../src/jobs/commands/delete-job-rows.ts";
import { insertJob } from "../../src/jobs/tables/job-rows.ts";
import { api, emptyDatabase, ended, query, startExport } from "../support/api.ts";
import { eventsOf, type ServerSentEvent } from "../support/server-sent-events.ts";

beforeEach(async () => {
  await emptyDatabase();
  await query("CREATE TABLE a(id INTEGER PRIMARY KEY, x)");
});

async function fill(rows: number): Promise<void> {
  await query(
    `INSERT INTO a WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows})
     SELECT i, hex(zeroblob(60)) || i FROM n`,
  );
}

async function collect(response: Response): Promise<ServerSentEvent[]> {
  const events: ServerSentEvent[] = [];
  for await (const event of eventsOf(response)) events.push(event);
  return events;
}

describe("the events of a job", () => {
  test("show a running export to its end, with its view, at most twice a second", async () => {
    await fill(150_000);
    const { jobId, links } = await startExport();
    const startedMs = Date.now();
    const response = await api(new URL(links.events).pathname);
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    const events = await collect(response);
    const seconds = (Date.now() - startedMs) / 1_000;
    expect(events[0]).toEqual({ retry: "2000" });
    const told = events.filter((event) => event.event !== undefined);
    expect(told.length).toBeLessThanOrEqual(seconds * 2 + 1);
    expect(told.slice(0, -1).every((event) => event.event === "progress")).toBe(true);
    expect(told.at(-1)?.event).toBe("end");
    expect(new Set(told.map((event) => event.id)).size).toBe(told.length);
    const views = told.map((event) => v.parse(JobViewSchema, JSON.parse(event.data ?? "")));
    expect(views[0]).toMatchObject({ jobId });
    expect(["queued", "running"]).toContain(views[0]?.status);
    expect(views.at(-1)).toEqual(await (await api(`/export/dump/${jobId}`)).json());
    const rows = views.map((view) => view.progress.rows);
    expect(rows).toEqual([...rows].sort((a, b) => a - b));
  });

  test("of an ended one are its end alone, and nothing for who has seen it", async () => {
    const { jobId } = await ended((await startExport()).jobId);
    const [retry, end, ...more] = await collect(await api(`/export/dump/${jobId}/events`));
    expect([retry?.retry, end?.event, more]).toEqual(["2000", "end", []]);
    const headers = { "last-event-id": end?.id ?? "" };
    expect((await api(`/export/dump/${jobId}/events`, { headers })).status).toBe(204);
    const stale = { "last-event-id": "1-0-0-0-running-none-0" };
    const again = await collect(await api(`/export/dump/${jobId}/events`, { headers: stale }));
    expect(again.at(-1)).toEqual(end);
  });

  test("end where the job is deleted", async () => {
    const jobs = env.EXPORT_JOBS.getByName("jobs");
    const jobId = crypto.randomUUID();
    // Without an instance: it stays queued until it is deleted.
    await runInDurableObject(jobs, (_, { storage }) =>
      insertJob(storage.sql, {
        jobId,
        request: {
          ...v.parse(ExportRequestSchema, {}),
          source: "main",
          retentionHours: 1,
          consistency: "live",
        },
        requestDigest: "",
        databaseKey: "source main",
        idempotencyKey: null,
        origin: "",
        nowMs: Date.now(),
      }),
    );
    const events = eventsOf(await api(`/export/dump/${jobId}/events`));
    expect((await events.next()).value).toEqual({ retry: "2000" });
    expect((await events.next()).value).toMatchObject({ event: "progress" });
    await runInDurableObject(jobs, (_, { storage }) => deleteJobRows(storage.sql, jobId));
    expect((await events.next()).value).toMatchObject({ event: "deleted", data: "null" });
    expect((await events.next()).done).toBe(true);
  });

  test("of no job are 404", async () => {
    const response = await api("/export/dump/00000000-0000-4000-8000-000000000000/events");
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ code: "job-not-found" });
  });
});
