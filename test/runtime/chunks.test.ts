import { env, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { MIB } from "../../src/api/limits.ts";
import type { Manifest } from "../../src/api/manifest.ts";
import { beginRun } from "../../src/jobs/commands/begin-run.ts";
import { CHUNK_ARTIFACTS_MAX, CHUNK_MS_MAX } from "../../src/workflows/export/chunk-end.ts";
import { api, emptyDatabase, ended, fillNoise, query, startExport } from "../support/api.ts";
import { bucketPrototype, realBucket, restoreBucket } from "../support/faulty-bucket.ts";
import { insertOrphan } from "../support/orphan-job.ts";
import { inJobs } from "../support/writing-job.ts";

beforeEach(emptyDatabase);

afterEach(() => {
  restoreBucket();
  vi.restoreAllMocks();
});

async function makeTables(count: number): Promise<void> {
  for (let from = 0; from < count; from += 100) {
    const numbers = Array.from({ length: Math.min(100, count - from) }, (_, at) => from + at);
    await query(
      numbers.map((n) => `CREATE TABLE t${n}(id INTEGER PRIMARY KEY, a)`).join(";"),
      numbers.map((n) => `INSERT INTO t${n} VALUES (${n}, 'one')`).join(";"),
    );
  }
}

/** How many artifacts each chunk of a job has ended. */
async function artifactsByChunk(jobId: string): Promise<number[]> {
  const rows = await inJobs<{ n: number }>(
    "SELECT count(*) AS n FROM tmp_export_job_chunks WHERE job_id = ? GROUP BY number ORDER BY number",
    jobId,
  );
  return rows.map(({ n }) => n);
}

describe("a chunk of many small files", () => {
  test("ends after so many of them, and nothing is left out", async () => {
    await makeTables(2 * CHUNK_ARTIFACTS_MAX + 10);
    const { jobId } = await startExport({ format: "csv", consistency: "live" });
    const view = await ended(jobId);
    expect(view).toMatchObject({ status: "completed", error: null });
    expect(await artifactsByChunk(jobId)).toEqual([CHUNK_ARTIFACTS_MAX, CHUNK_ARTIFACTS_MAX, 10]);
    const manifest = await (await api(`/export/dump/${jobId}/manifest`)).json<Manifest>();
    expect(manifest.artifacts).toHaveLength(2 * CHUNK_ARTIFACTS_MAX + 10);
    expect(manifest.tables.every(({ rows }) => rows === 1)).toBe(true);
  });

  test("ends after a minute, however slow the store is", async () => {
    await makeTables(6);
    const realNow = Date.now.bind(Date);
    let passedMs = 0;
    vi.spyOn(Date, "now").mockImplementation(() => realNow() + passedMs);
    bucketPrototype.put = function (this: R2Bucket, ...args: Parameters<R2Bucket["put"]>) {
      passedMs += CHUNK_MS_MAX / 2;
      return realBucket.put.apply(this, args);
    } as R2Bucket["put"];
    const { jobId } = await startExport({ format: "csv", consistency: "live" });
    expect(await ended(jobId)).toMatchObject({ status: "completed", error: null });
    expect(await artifactsByChunk(jobId)).toEqual([2, 2, 2]);
  });
});

describe("the size of a job's parts", () => {
  test("is the one that the job began with, whatever a deployment changes", async () => {
    const jobId = await insertOrphan();
    const sizes = await runInDurableObject(env.EXPORT_JOBS.getByName("jobs"), (_, { storage }) =>
      [6 * MIB, 7 * MIB].map((bytes) => {
        const changed = { ...env, EXPORT_PART_BYTES: String(bytes) };
        const context = { storage, sql: storage.sql, env: changed };
        return beginRun(context, { jobId, run: 1 }).part_bytes;
      }),
    );
    expect(sizes).toEqual([6 * MIB, 6 * MIB]);
    await api(`/export/dump/${jobId}`, { method: "DELETE" });
  });

  test("is that of every part in its upload", async () => {
    await fillNoise({ rows: 900, rowBytes: 8_000 });
    const { jobId } = await startExport();
    await inJobs("UPDATE tmp_export_jobs SET part_bytes = ? WHERE job_id = ?", 6 * MIB, jobId);
    expect(await ended(jobId)).toMatchObject({ status: "completed", warnings: [] });
    const manifest = await (await api(`/export/dump/${jobId}/manifest`)).json<Manifest>();
    const [last, ...others] = manifest.artifacts[0]?.parts.toReversed() ?? [];
    expect(others.length).toBeGreaterThan(0);
    expect(others.every(({ bytes }) => bytes === 6 * MIB)).toBe(true);
    expect(last?.bytes).toBeLessThanOrEqual(6 * MIB);
  });
});
