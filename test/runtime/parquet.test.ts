import { env } from "cloudflare:workers";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { parquetMetadata, parquetReadObjects } from "hyparquet";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";

import type { JobView } from "../../src/api/job-view.ts";
import { PART_BYTES_MIN } from "../../src/api/limits.ts";
import type { Manifest } from "../../src/api/manifest.ts";
import { concatBytes } from "../../src/lib/bytes.ts";
import {
  api,
  download,
  emptyDatabase,
  ended,
  fillNoise,
  query,
  sha256Of,
  snapshotObjects,
  startExport,
} from "../support/api.ts";
import { failSteps, FAULTS, type StepFaults } from "../support/faulty-steps.ts";
import { requestRestore } from "../support/restores.ts";
import { inJobs } from "../support/writing-job.ts";

const vars = env as unknown as Record<string, string>;

/** Returns the rows of a file, as another library reads them. BLOBs are bytes. */
async function rowsOf(bytes: Uint8Array): Promise<Record<string, unknown>[]> {
  const file = bytes.slice().buffer;
  return parquetReadObjects({
    file,
    utf8: false,
    compressors: {
      GZIP: (page) => new Uint8Array(gunzipSync(page)),
      ZSTD: (page) => new Uint8Array(zstdDecompressSync(page)),
    },
  });
}

async function fileOf({ jobId }: JobView, name: string): Promise<Uint8Array> {
  const response = await api(`/export/dump/${jobId}/download/${encodeURIComponent(name)}`);
  return new Uint8Array(await response.arrayBuffer());
}

async function problemOf(response: Response): Promise<unknown> {
  return { status: response.status, ...(await response.json<object>()) };
}

describe("a job of a small database", () => {
  beforeEach(async () => {
    await emptyDatabase();
    await query(
      "CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT, photo BLOB, score REAL, joined DATE)",
      `INSERT INTO users VALUES (9223372036854775807, 'Ada', X'00FF', 0.1, '2026-11-29'),
         (1, NULL, NULL, 9e999, NULL), (2, CAST(X'61FF' AS TEXT), X'', -0.0, 'soon')`,
      'CREATE TABLE "no rows"(a INTEGER)',
    );
  });

  const USERS = [
    { id: 1n, name: null, photo: null, score: Infinity, joined: null, other_values: null },
    { id: 2n, name: null, score: 0, joined: "soon", other_values: '{"name":{"text":"61FF"}}' },
    { id: 9223372036854775807n, name: "Ada", score: 0.1, joined: "2026-11-29", other_values: null },
  ];

  test.each(["0", "2097152"])(
    "writes a file per table, with the manifest, when %s bytes may be read in one turn",
    async (oneTurnBytes) => {
      vars["EXPORT_ONE_TURN_BYTES"] = oneTurnBytes;
      const view = await ended((await startExport({ format: "parquet" })).jobId);
      vars["EXPORT_ONE_TURN_BYTES"] = "0";
      expect(view).toMatchObject({
        status: "completed",
        format: "parquet",
        progress: { tablesDone: 2, tablesTotal: 2, rows: 3 },
        artifacts: [
          { name: "users.parquet", table: "users" },
          { name: "no%20rows.parquet", table: "no rows" },
        ],
        warnings: [
          'column "name" of table "users" is UTF8: its other values are NULL, and column "other_values" contains them',
        ],
      });
      const users = await fileOf(view, "users.parquet");
      expect(await rowsOf(users)).toMatchObject(USERS);
      expect(view.artifacts[0]).toMatchObject({
        bytes: users.byteLength,
        sha256: await sha256Of(users),
        contentType: "application/vnd.apache.parquet",
      });
      expect(await rowsOf(await fileOf(view, "no%20rows.parquet"))).toEqual([]);
      const manifest = await (await api(`/export/dump/${view.jobId}/manifest`)).json<Manifest>();
      expect(manifest).toMatchObject({ version: 2, format: "parquet", warnings: view.warnings });
    },
  );

  test("masks values", async () => {
    const mask = { users: { name: "null", score: { value: 1.5 }, joined: "length" } };
    const view = await ended((await startExport({ format: "parquet", mask })).jobId);
    expect(view).toMatchObject({ status: "completed", warnings: [] });
    const rows = await rowsOf(await fileOf(view, "users.parquet"));
    expect(rows).toMatchObject([
      { name: null, score: 1.5, joined: null },
      { name: null, score: 1.5, joined: "xxxx" },
      { name: null, score: 1.5, joined: "0000x00x00" },
    ]);
  });

  test.each(["none", "gzip", "zstd"] as const)(
    "streams a table with columns compressed by %s, under the same name",
    async (compression) => {
      const path = `/export/dump?format=parquet&include=users&compression=${compression}`;
      const response = await api(path);
      expect(response.headers.get("content-type")).toBe("application/vnd.apache.parquet");
      expect(response.headers.get("content-disposition")).toContain('users.parquet"');
      const bytes = new Uint8Array(await response.arrayBuffer());
      const codecs = { none: "UNCOMPRESSED", gzip: "GZIP", zstd: "ZSTD" };
      const [group] = parquetMetadata(bytes.buffer).row_groups;
      expect(group?.columns[0]?.meta_data?.codec).toBe(codecs[compression]);
      expect(await rowsOf(bytes)).toMatchObject(USERS);
    },
  );

  test("cannot be restored, and is not proved by a restore", async () => {
    const { jobId } = await ended((await startExport({ format: "parquet" })).jobId);
    const restore = await requestRestore({ from: { jobId }, target: "copies", name: "new" });
    expect(await problemOf(restore)).toMatchObject({ status: 422, code: "dump-not-restorable" });
    const proved = await api("/export/dump", {
      method: "POST",
      body: JSON.stringify({ format: "parquet", verify: "restore" }),
    });
    expect(await problemOf(proved)).toMatchObject({ code: "dump-not-restorable" });
    const schema = await api("/export/dump", {
      method: "POST",
      body: JSON.stringify({ format: "parquet", content: "schema" }),
    });
    expect(await problemOf(schema)).toMatchObject({ status: 400, code: "invalid-request" });
  });
});

describe("a job of several groups, chunks and parts", () => {
  const ROWS = 2_000;
  const ROW_BYTES = 10_000;
  let faults: StepFaults | undefined;
  let undisturbed: Uint8Array;

  beforeAll(async () => {
    await fillNoise({ rows: ROWS, rowBytes: ROW_BYTES });
    const view = await ended((await startExport({ format: "parquet" })).jobId);
    expect(view).toMatchObject({ status: "completed", warnings: [], progress: { rows: ROWS } });
    undisturbed = await download(view.jobId);
    expect(undisturbed.byteLength).toBeGreaterThan(3 * PART_BYTES_MIN);
    const notes = await inJobs(
      "SELECT number FROM tmp_export_job_chunks WHERE job_id = ? AND notes_json IS NOT NULL",
      view.jobId,
    );
    expect(notes.length).toBeGreaterThan(2);
  });

  afterEach(async () => {
    await faults?.restore();
  });

  test("has every row once, in groups of at least 8 MiB except the last", async () => {
    const rows = await rowsOf(undisturbed);
    expect(rows.map(({ id }) => id)).toEqual(
      Array.from({ length: ROWS }, (_, at) => BigInt(at + 1)),
    );
    expect(await digestOf(undisturbed)).toBe(await sha256Of(await noiseOfTable()));
    const groups = parquetMetadata(undisturbed.slice().buffer).row_groups;
    expect(groups.length).toBe(3);
    for (const { total_byte_size } of groups.slice(0, -1)) {
      expect(Number(total_byte_size)).toBeGreaterThan(8 * 1024 * 1024 - 100_000);
      expect(Number(total_byte_size)).toBeLessThan(12 * 1024 * 1024);
    }
  });

  test.each(["gzip", "zstd"] as const)(
    "has the same rows compressed by %s",
    async (compression) => {
      const view = await ended((await startExport({ format: "parquet", compression })).jobId);
      expect(view).toMatchObject({ status: "completed", artifacts: [{ name: "t.parquet" }] });
      expect(await digestOf(await download(view.jobId))).toBe(await digestOf(undisturbed));
    },
  );

  describe.each(["export t 1", "export t 2", "export t 3"])("whose step %j", (step) => {
    test.each(FAULTS)("fails once (%s) writes the same file, and leaves nothing", async (fault) => {
      // A chunk of 8 MiB may take longer than the usual limit.
      faults = failSteps((name) => name === step, fault, "6 seconds");
      const view = await ended((await startExport({ format: "parquet" })).jobId);
      await expect
        .poll(() => faults?.tries.filter((name) => name === step).length, { timeout: 20_000 })
        .toBeGreaterThan(1);
      await faults.restore();
      expect(view).toMatchObject({ status: "completed", error: null });
      expect(Buffer.compare(await download(view.jobId), undisturbed)).toBe(0);
      expect(await snapshotObjects()).toEqual([]);
    });
  });
});

/** Returns the SHA-256 of the BLOBs in a file. */
async function digestOf(bytes: Uint8Array): Promise<string> {
  const rows = await rowsOf(bytes);
  return sha256Of(concatBytes(rows.map((row) => row["noise"] as Uint8Array)));
}

/** Returns all BLOBs of the table `t`, in the order of its key. */
async function noiseOfTable(): Promise<Uint8Array> {
  const database = env.DATABASE_DURABLE_OBJECT.getByName("sql-durable-object");
  const pieces: Uint8Array[] = [];
  for (let from = 0; from < 2_000; from += 100) {
    const sql = `SELECT noise FROM t WHERE id > ${from} AND id <= ${from + 100} ORDER BY id`;
    const rows = (await database.executeQuery({ sql })) as unknown as { noise: ArrayBuffer }[];
    pieces.push(...rows.map(({ noise }) => new Uint8Array(noise)));
  }
  return concatBytes(pieces);
}
