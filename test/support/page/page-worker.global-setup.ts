import type { TestProject } from "vitest/node";

import {
  copied,
  exported,
  MARKUP,
  startBackedUpWorker,
  startMountedApp,
} from "./backed-up-worker.ts";
import { installBrowser } from "./browser.ts";
import { copyJob, inJobsDatabase, moveJob } from "./jobs-database.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** A Worker with a history, and an app that mounts the routes and is new, for the tests of their page. */
    pageWorker: { url: string; mountedUrl: string; failedJobId: string; archivedJobs: number };
  }
}

const DAY_MS = 86_400_000;

/** How many exports of `archive` the history has. */
const ARCHIVED_JOBS = 1_000;

/** All of them are newer than the retention, so that none expires. */
const SPACING_MS = 8 * 60_000;

/** Runs a Worker with real exports and restores, and with a thousand copies of one of them. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  installBrowser();
  let failedJobId = "";
  let archivedJobId = "";
  const worker = await startBackedUpWorker(
    async (client) => {
      await client.transaction([
        {
          sql: `CREATE TABLE "${MARKUP.replaceAll('"', '""')}"(id INTEGER PRIMARY KEY, text TEXT)`,
        },
        { sql: `INSERT INTO "${MARKUP.replaceAll('"', '""')}" VALUES (1, 'hello')` },
        { sql: "CREATE TABLE note(id INTEGER PRIMARY KEY, text TEXT)" },
        { sql: "INSERT INTO note(text) VALUES ('one'), ('two')" },
      ]);
      const { jobId } = await exported(client, { source: "main", compression: "gzip" });
      for (const target of ["notes", "archive"]) await copied(client, jobId, { target });
      await copied(client, jobId, { target: "tenants", name: MARKUP });
      await exported(client, { source: "tenants", name: MARKUP, format: "csv" });
      await exported(client, { source: "notes" });
      failedJobId = (await exported(client, { source: "notes", tables: { include: ["gone"] } }))
        .jobId;
      archivedJobId = (await exported(client, { source: "archive" })).jobId;
    },
    (persistTo) =>
      inJobsDatabase(persistTo, (db) => {
        const now = Date.now();
        const times = Array.from(
          { length: ARCHIVED_JOBS - 1 },
          (_, at) => now - DAY_MS / 2 - at * SPACING_MS,
        );
        copyJob(db, archivedJobId, times);
        moveJob(db, archivedJobId, now - DAY_MS / 2 + SPACING_MS);
      }),
  );
  const mounted = await startMountedApp();
  project.provide("pageWorker", {
    url: worker.url,
    mountedUrl: mounted.url,
    failedJobId,
    archivedJobs: ARCHIVED_JOBS,
  });
  return async () => {
    await Promise.all([worker.stop(), mounted.stop()]);
  };
}
