import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import * as v from "valibot";
import { beforeEach, describe, expect, test } from "vitest";

import type { Cursor } from "../../src/rpc/cursor.ts";
import { ExportRequestSchema } from "../../src/api/export-request.ts";
import type { JobView } from "../../src/api/job-view.ts";
import type { KeyRange } from "../../src/sqlite/key-range.ts";
import { durableObjectSource } from "../../src/databases/durable-object/durable-object-source.ts";
import { readKeyRanges } from "../../src/reading/key-ranges.ts";
import { commitChunk } from "../../src/jobs/commands/commit-chunk.ts";
import { recordPlan } from "../../src/jobs/commands/commit-plan.ts";
import { deleteJobRows } from "../../src/jobs/commands/delete-job-rows.ts";
import { getJob, insertJob, moveJobIf } from "../../src/jobs/tables/job-rows.ts";
import { toJobView } from "../../src/jobs/views/job-view.ts";
import { readCatalog } from "../../src/reading/read-catalog.ts";
import { api, emptyDatabase, query, startExport } from "../support/api.ts";

const COUNT = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)";

beforeEach(emptyDatabase);

async function rangesOf(...sql: string[]): Promise<{ ranges: KeyRange[]; rowsRead: number }> {
  await query(...sql);
  const source = durableObjectSource(() =>
    env.DATABASE_DURABLE_OBJECT.getByName("sql-durable-object"),
  );
  return readKeyRanges(source, (await readCatalog(source)).tables);
}

describe("a table's key range", () => {
  test("costs about thirty rows, of whatever number, and tells about how many there are", async () => {
    const { ranges, rowsRead } = await rangesOf(
      "CREATE TABLE dense(id INTEGER PRIMARY KEY)",
      `INSERT INTO dense ${COUNT} SELECT i + 500 FROM n`,
      "CREATE TABLE regular(id INTEGER PRIMARY KEY)",
      `INSERT INTO regular ${COUNT} SELECT i * 1000 FROM n`,
      "CREATE TABLE random(id INTEGER PRIMARY KEY)",
      `INSERT OR IGNORE INTO random ${COUNT} SELECT random() FROM n`,
      "CREATE TABLE by_rowid(a TEXT PRIMARY KEY)",
      `INSERT INTO by_rowid ${COUNT} SELECT 'k' || i FROM n`,
    );
    expect(rowsRead).toBeLessThanOrEqual(4 * 30);
    expect(ranges.map(({ table }) => table)).toEqual(["dense", "regular", "random", "by_rowid"]);
    expect(ranges[0]).toMatchObject({ first: 501, last: 20_500, rows: 20_000 });
    for (const { rows } of ranges) {
      expect(rows).toBeGreaterThan(20_000 / 4);
      expect(rows).toBeLessThan(20_000 * 4);
    }
  });

  test("is told to the ends of integers, of one row and of none, and of no other key", async () => {
    const { ranges } = await rangesOf(
      "CREATE TABLE ends(id INTEGER PRIMARY KEY)",
      "INSERT INTO ends VALUES (-9223372036854775807 - 1), (9223372036854775807)",
      'CREATE TABLE "o""ne"("i d" INTEGER PRIMARY KEY)',
      'INSERT INTO "o""ne" VALUES (7)',
      "CREATE TABLE none(id INTEGER PRIMARY KEY)",
      "CREATE TABLE by_text(a TEXT PRIMARY KEY) WITHOUT ROWID",
      "CREATE VIRTUAL TABLE words USING fts5(w)",
    );
    expect(ranges).toEqual([
      { table: "ends", first: -(2 ** 63), last: 2 ** 63, rows: expect.any(Number) },
      { table: 'o"ne', first: 7, last: 7, rows: 1 },
      { table: "none", first: null, last: null, rows: 0 },
    ]);
  });
});

describe("a job's progress", () => {
  const START = Date.UTC(2026, 0, 1);

  /** Walks a job through its ledger; gives its view after the plan and after each chunk. */
  async function walk(
    keyRanges: KeyRange[],
    tables: string[],
    chunks: { table: string; key: string; rows: number; done?: boolean }[],
  ): Promise<JobView[]> {
    const jobId = crypto.randomUUID();
    const of = { jobId, run: 1 };
    const start: Cursor = { artifact: 0, segment: 0, after: null, encoderState: 0 };
    return runInDurableObject(env.EXPORT_JOBS.getByName("jobs"), (_, { storage }) => {
      const { sql } = storage;
      insertJob(sql, {
        jobId,
        request: {
          ...v.parse(ExportRequestSchema, {}),
          source: "main",
          consistency: "live",
          retentionHours: 1,
        },
        databaseKey: jobId,
        requestDigest: "",
        idempotencyKey: null,
        origin: "",
        nowMs: START,
      });
      moveJobIf(sql, { jobId, to: "running", nowMs: START });
      const plan = {
        ...of,
        snapshotId: jobId,
        snapshotAtMs: START,
        snapshot: null,
        planDigest: "",
        catalogDigest: "",
        cursor: start,
        firstTable: tables[0] ?? "",
        artifacts: [{ name: "dump.sql", contentType: "" }],
        folder: null,
        tables,
        keyRanges,
        warnings: [],
        usage: { rowsRead: 0, rowsWritten: 0 },
      };
      sql.exec("UPDATE tmp_export_jobs SET snapshot_id = ? WHERE job_id = ?", jobId, jobId);
      recordPlan(sql, plan, START);
      const views = [toJobView(sql, getJob(sql, jobId))];
      for (const [at, { table, key, rows, done = false }] of chunks.entries()) {
        const startedAtMs = START + at * 1_000;
        commitChunk(
          sql,
          {
            ...of,
            expectedCheckpoint: at + 1,
            table,
            cursor: { ...start, after: [{ literal: key }] },
            nextTable: table,
            // As many pieces as a chunk of small artifacts has, whose first one tells the rows.
            pieces: Array.from({ length: 10 }, (_, artifactOrdinal) => ({
              artifactOrdinal,
              bytes: rows,
              sha256: "",
              parts: [],
              state: "pending",
            })),
            tables: [{ name: table, rows, bytes: rows * 10, done, replacements: 0 }],
            carry: [],
            usage: { rowsRead: 0, rowsWritten: 0, r2ClassAOperations: 0 },
            startedAtMs,
          },
          startedAtMs + 1_000,
        );
        views.push(toJobView(sql, getJob(sql, jobId)));
      }
      moveJobIf(sql, { jobId, to: "failed", nowMs: START });
      deleteJobRows(sql, jobId);
      return views;
    });
  }

  test("goes by where the keys stand, with rate and rest from the last chunks", async () => {
    const ranges = [
      { table: "a", first: 1, last: 1_001, rows: 1_000 },
      { table: "b", first: 1, last: 3_001, rows: 3_000 },
    ];
    const views = await walk(
      ranges,
      ["a", "b"],
      [
        { table: "a", key: "501", rows: 500 },
        { table: "a", key: "1001", rows: 500, done: true },
        { table: "b", key: "1501", rows: 1_500 },
        { table: "b", key: "3001", rows: 1_500 },
      ],
    );
    expect(views.map((view) => view.progress.percent)).toEqual([0, 12.5, 25, 62.5, 99.9]);
    expect(views.map((view) => view.tables[0]?.percent)).toEqual([null, 50, 100, 100, 100]);
    expect(views.map((view) => view.tables[1]?.percent)).toEqual([null, null, null, 50, 99.9]);
    expect(views[0]?.progress).toMatchObject({ bytesPerSecond: null, etaSeconds: null });
    expect(views[1]?.progress).toMatchObject({ bytesPerSecond: 5_000, etaSeconds: 7 });
    expect(views[3]?.progress).toMatchObject({ etaSeconds: 2, tablesDone: 1, rows: 2_500 });
  });

  test("is null while an open table has no cheap measure of its progress", async () => {
    const ranges = [{ table: "a", first: 1, last: 1_001, rows: 1_000 }];
    const views = await walk(
      ranges,
      ["text", "a"],
      [
        { table: "text", key: "+CAST(X'41' AS TEXT)", rows: 500 },
        { table: "text", key: "+CAST(X'42' AS TEXT)", rows: 500, done: true },
        { table: "a", key: "501", rows: 500 },
      ],
    );
    expect(views.map((view) => view.progress.percent)).toEqual([null, null, 50, 75]);
    expect(views.map((view) => view.tables[0]?.percent)).toEqual([null, null, 100, 100]);
    expect(views[1]?.progress).toMatchObject({ etaSeconds: null, bytesPerSecond: 5_000 });
  });

  test("never runs backwards, nor over a hundred where rows came after the plan", async () => {
    const ranges = [{ table: "a", first: 1, last: 1_001, rows: 1_000 }];
    const views = await walk(
      ranges,
      ["a"],
      [
        { table: "a", key: "501", rows: 500 },
        { table: "a", key: "401", rows: 1 },
        { table: "a", key: "5001", rows: 4_000 },
      ],
    );
    expect(views.map((view) => view.progress.percent)).toEqual([0, 50, 50, 99.9]);
  });

  test("of a real export rises to a hundred", async () => {
    await query(
      "CREATE TABLE a(id INTEGER PRIMARY KEY, x)",
      `INSERT INTO a ${COUNT} SELECT i, hex(zeroblob(200)) FROM n`,
    );
    const { jobId } = await startExport();
    const percents: number[] = [];
    for (;;) {
      const view = await (await api(`/export/dump/${jobId}`)).json<JobView>();
      if (view.progress.tablesTotal > 0) percents.push(view.progress.percent ?? -1);
      if (view.status !== "queued" && view.status !== "running") break;
      await scheduler.wait(20);
    }
    expect(percents).toEqual([...percents].sort((a, b) => a - b));
    expect(percents[0]).toBeLessThan(100);
    expect(percents.at(-1)).toBe(100);
  });
});
