import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import * as v from "valibot";

import { ExportRequestSchema } from "../../src/api/export-request.ts";
import { insertJob } from "../../src/jobs/tables/job-rows.ts";

/** Inserts a queued job with its own database, whose Workflow instance is never created. */
export async function insertOrphan(consistency: "snapshot" | "live" = "snapshot"): Promise<string> {
  const jobId = crypto.randomUUID();
  const request = { ...v.parse(ExportRequestSchema, {}), source: "main" };
  await runInDurableObject(env.EXPORT_JOBS.getByName("jobs"), (_, { storage }) =>
    insertJob(storage.sql, {
      jobId,
      request: { ...request, retentionHours: 1, consistency },
      requestDigest: "",
      databaseKey: `orphan ${jobId}`,
      idempotencyKey: null,
      origin: "https://export.example.com",
      nowMs: Date.now(),
    }),
  );
  return jobId;
}
