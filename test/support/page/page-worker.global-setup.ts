import type { TestProject } from "vitest/node";

import { copied, exported, MARKUP, startBackedUpWorker } from "./backed-up-worker.ts";
import { copyJob, inJobsDatabase, moveJob } from "./jobs-database.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** A Worker with a history, for the tests of its page. */
    pageWorker: { url: string; failedJobId: string; archivedJobs: number };
  }
}

const DAY_MS = 86_400_000;

/** How many exports of `archive` the history has. */
const ARCHIVED_JOBS = 1_000;

/** All of them are newer than the retention, so that none expires. */
const SPACING_MS = 8 * 60_000;

/** Runs a Worker with real exports and restores, and with a thousand copies of one of them. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  let failedJobId = "";
  let archivedJobId = "";
  const worker = await startBackedUpWorker(
    async (client) => {
      await client.transaction([
        { sql: `CREATE TABLE "${MARKUP.replaceAll('"', '""')}"(id INTEGER PRIMARY KEY, text TEXT)` },
        { sql: `INSERT INTO "${MARKUP.replaceAll('"', '""')}" VALUES (1, 'hello')` },
        { sql: "CREATE TABLE note(id INTEGER PRIMARY KEY, text TEXT)" },
        { sql: "INSERT INTO note(text) VALUES ('one'), ('two')" },
      ]);
      const { jobId } = await exported(client, { source: "main", compression: "gzip" });
      for (const target of ["notes", "archive"]) await copied(client, jobId, { target });
      await copied(client, jobId, { target: "tenants", name: MARKUP });
      await exported(client, { source: "tenants", name: MARKUP, format: "csv" });
      await exported(client, { source: "notes" });
      failedJobId = (await exported(client, { source: "notes", tables: { include: ["gone"] } })).jobId;
      archivedJobId = (await exported(client, { source: "archive" })).jobId;
      // Large enough to be watched and cancelled.
      const letters = "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12000)";
      await client.transaction([
        { sql: "CREATE TABLE big(id INTEGER PRIMARY KEY, text TEXT)" },
        { sql: `INSERT INTO big(text) ${letters} SELECT hex(zeroblob(500)) FROM n` },
      ]);
    },
    (persistTo) =>
      inJobsDatabase(persistTo, (db) => {
        const now = Date.now();
        const times = Array.from({ length: ARCHIVED_JOBS - 1 }, (_, at) => now - DAY_MS / 2 - at * SPACING_MS);
        copyJob(db, archivedJobId, times);
        moveJob(db, archivedJobId, now - DAY_MS / 2 + SPACING_MS);
      }),
    // Many short steps, so that an export can be watched.
    { EXPORT_ONE_TURN_BYTES: "0", EXPORT_CHUNK_BYTES: "65536" },
  );
  project.provide("pageWorker", { url: worker.url, failedJobId, archivedJobs: ARCHIVED_JOBS });
  return worker.stop;
}
