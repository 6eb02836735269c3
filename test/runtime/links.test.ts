import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, test } from "vitest";

import { createApp } from "../../src/app.ts";
import type { JobView } from "../../src/api/job-view.ts";
import { isCallbackPending } from "../../src/jobs/tables/job-callback-columns.ts";
import { getJob } from "../../src/jobs/tables/job-rows.ts";
import { toJobView } from "../../src/jobs/views/job-view.ts";
import { api, emptyDatabase, ended, query } from "../support/api.ts";

const FORGED = "https://evil.example.net";
const PUBLIC = "https://backups.example.com/x";
const HEADERS = { authorization: "Bearer test-admin-token-0123456789" };

beforeAll(async () => {
  await emptyDatabase();
  await query("CREATE TABLE a(x)", "INSERT INTO a VALUES (1)");
});

function start(origin: string, bindings: object = {}): Promise<Response> {
  const body = JSON.stringify({ callbackUrl: "https://hooks.example.com/export" });
  const init = { method: "POST", headers: HEADERS, body };
  return Promise.resolve(
    createApp().request(`${origin}/export/dump`, init, { ...env, ...bindings }),
  );
}

/** The view that a callback of the job holds. */
async function callbackView(jobId: string): Promise<JobView | undefined> {
  const jobs = env.EXPORT_JOBS.getByName("jobs");
  return runInDurableObject(jobs, (_, { storage: { sql } }) => {
    const job = getJob(sql, jobId);
    return isCallbackPending(job) ? toJobView(sql, job) : undefined;
  });
}

async function remove(jobId: string): Promise<void> {
  await (await api(`/export/dump/${jobId}`, { method: "DELETE" })).body?.cancel();
}

describe("links of a job", () => {
  test("never show one caller the Host header of another, nor a callback's receiver", async () => {
    const started = await start(FORGED);
    const view = await started.json<JobView>();
    const { jobId } = view;
    const path = `/export/dump/${jobId}`;
    expect(started.headers.get("location")).toBe(`${FORGED}${path}`);
    expect(view.links.self).toBe(`${FORGED}${path}`);

    const done = await ended(jobId);
    const origin = "https://export.example.com";
    expect(done.links).toEqual({
      self: `${origin}${path}`,
      download: `${origin}${path}/download`,
      manifest: `${origin}${path}/manifest`,
      events: `${origin}${path}/events`,
    });
    expect(done.artifacts[0]?.downloadUrl).toBe(`${origin}${path}/download/dump.sql`);
    const events = await (await api(`${path}/events`)).text();
    expect(events).toContain(`${origin}${path}`);
    const list = await (await api("/export/jobs")).text();
    expect(events + list).not.toContain("evil.example.net");

    const sent = await callbackView(jobId);
    expect(sent?.links.self).toBe(path);
    expect(sent?.artifacts[0]?.downloadUrl).toBe(`${path}/download/dump.sql`);
    await remove(jobId);
  });

  test("start with EXPORT_PUBLIC_URL everywhere if it is set", async () => {
    const view = await (await start(FORGED, { EXPORT_PUBLIC_URL: PUBLIC })).json<JobView>();
    const { jobId } = view;
    expect(view.links.self).toBe(`${PUBLIC}/export/dump/${jobId}`);
    await ended(jobId);
    expect((await callbackView(jobId))?.links.self).toBe(`${PUBLIC}/export/dump/${jobId}`);
    await remove(jobId);
  });

  test("and routes in hints start with the path of EXPORT_PUBLIC_URL", async () => {
    const hintAt = async (path: string, bindings: object, headers = HEADERS): Promise<string> => {
      const init = { headers };
      const answer = await createApp().request(`${FORGED}${path}`, init, { ...env, ...bindings });
      return (await answer.json<{ hint: string }>()).hint;
    };
    const mounted = { EXPORT_PUBLIC_URL: PUBLIC };
    const unknown = `/export/dump/${crypto.randomUUID()}`;
    expect(await hintAt(unknown, mounted)).toMatch(/^GET \/x\/export\/jobs lists the jobs\./);
    expect(await hintAt("/nowhere", mounted)).toBe("GET /x/openapi.json lists the routes.");
    expect(await hintAt("/export/jobs?limit=0", mounted)).toContain("GET /x/openapi.json lists");
    expect(await hintAt("/nowhere", {})).toBe("GET /openapi.json lists the routes.");
  });

  test("start with this machine's address in local development", async () => {
    const { jobId } = await (await start("http://127.0.0.1:8787")).json<JobView>();
    await ended(jobId);
    const self = `http://127.0.0.1:8787/export/dump/${jobId}`;
    expect((await callbackView(jobId))?.links.self).toBe(self);
    await remove(jobId);
  });
});
