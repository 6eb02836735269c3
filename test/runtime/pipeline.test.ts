import { env, introspectWorkflow } from "cloudflare:test";
import { beforeEach, describe, expect, test } from "vitest";

import { BLOB_BYTES_MAX, MIB, PART_BYTES_MAX, PART_BYTES_MIN } from "../../src/api/limits.ts";
import type { Manifest } from "../../src/api/manifest.ts";
import { VERSION } from "../../src/api/version.ts";
import { CURSOR_START } from "../../src/rpc/cursor.ts";
import { durableObjectSource } from "../../src/databases/durable-object/durable-object-source.ts";
import { readDump } from "../../src/reading/dump-reader.ts";
import { openLiveReader } from "../../src/reading/table-reader.ts";
import { planDump } from "../../src/formats/plan-dump.ts";
import { readCatalog } from "../../src/reading/read-catalog.ts";
import {
  api,
  download,
  emptyDatabase,
  ended,
  query,
  sha256Of,
  startExport,
} from "../support/api.ts";
import { directFiles } from "../support/direct-files.ts";
import { listStoredKeys } from "../support/stored-keys.ts";

beforeEach(emptyDatabase);

/** `rows` rows of about 150 bytes of SQL text each. */
async function fill(table: string, rows: number): Promise<void> {
  await query(
    `CREATE TABLE ${table}(id INTEGER PRIMARY KEY, name TEXT, x REAL, note TEXT)`,
    `INSERT INTO ${table} WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows})
     SELECT i, 'row ' || i || ' of O''Hara', i * 0.37, hex(zeroblob(45)) || i FROM n`,
  );
}

describe("an export job", () => {
  test("of an empty database gives a dump that says so, in one part", async () => {
    const { jobId } = await startExport();
    const view = await ended(jobId);
    expect(view).toMatchObject({ status: "completed", error: null, tables: [], warnings: [] });
    expect(view.progress).toMatchObject({ percent: 100, tablesTotal: 0, rows: 0 });
    expect(view.artifacts).toHaveLength(1);
    const text = new TextDecoder().decode(await download(jobId));
    expect(text).toBe(
      `-- Durable Export ${VERSION}, source "main"\nPRAGMA defer_foreign_keys=ON;\n`,
    );
  });

  test("of several parts and chunks gives the bytes that one pass over the pages gives", async () => {
    await fill("a", 60_000);
    await fill("b", 30_000);
    await using workflows = await introspectWorkflow(env.EXPORT_WORKFLOW);
    const { jobId } = await startExport();
    const view = await ended(jobId);
    expect(view.status).toBe("completed");
    const bytes = await download(jobId);
    const [artifact] = view.artifacts;
    expect(artifact).toMatchObject({ name: "dump.sql", bytes: bytes.byteLength });
    expect(bytes.byteLength).toBeGreaterThan(2 * PART_BYTES_MIN);
    expect(artifact?.sha256).toBe(await sha256Of(bytes));
    const direct = (await directFiles("sql")).get("dump.sql") ?? new Uint8Array();
    expect(await sha256Of(direct)).toBe(artifact?.sha256);
    expect(view.progress.rows).toBe(90_000);

    const manifest = await (await api(`/export/dump/${jobId}/manifest`)).json<Manifest>();
    const [listed] = manifest.artifacts;
    expect(listed?.sha256).toBe(artifact?.sha256);
    const sizes = listed?.parts.map((part) => part.bytes) ?? [];
    expect(sizes.length).toBe(artifact?.parts);
    expect(sizes.slice(0, -1).every((size) => size === PART_BYTES_MIN)).toBe(true);
    expect(sizes.at(-1)).toBeLessThanOrEqual(PART_BYTES_MIN);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(bytes.byteLength);
    const chunks = listed?.chunks ?? [];
    expect(chunks.length).toBeGreaterThan(5);
    expect(chunks.reduce((sum, chunk) => sum + chunk.bytes, 0)).toBe(bytes.byteLength);
    expect(manifest.tables).toEqual([
      expect.objectContaining({ name: "a", rows: 60_000 }),
      expect.objectContaining({ name: "b", rows: 30_000 }),
    ]);

    const [instance] = await workflows.get();
    expect(await instance?.waitForStepResult({ name: "export a 1" })).toMatchObject({ table: "a" });
    expect(await instance?.waitForStepResult({ name: "export b 1" })).toMatchObject({ table: "b" });
    expect(await instance?.waitForStepResult({ name: "open artifact dump.sql" })).toMatchObject({
      artifact: "dump.sql",
    });
    expect(await instance?.waitForStepResult({ name: "complete artifact dump.sql" })).toMatchObject(
      {
        bytes: bytes.byteLength,
      },
    );
  });

  test("exports the tables that its patterns choose, and their schema alone where that is asked for", async () => {
    await fill("orders", 10);
    await fill("order_lines", 20);
    await fill("secrets", 5);
    const chosen = await ended(
      (await startExport({ tables: { include: ["ORDER*"], exclude: ["*lines"] } })).jobId,
    );
    expect(chosen).toMatchObject({ status: "completed", tables: [{ name: "orders", rows: 10 }] });
    const text = new TextDecoder().decode(await download(chosen.jobId));
    expect(text.match(/CREATE TABLE \w+/g)).toEqual(["CREATE TABLE orders"]);
    const bare = await ended((await startExport({ content: "schema" })).jobId);
    expect(bare).toMatchObject({ status: "completed", tables: [], progress: { rows: 0 } });
    const schema = new TextDecoder().decode(await download(bare.jobId));
    expect(schema.match(/CREATE TABLE/g)).toHaveLength(3);
    expect(schema).not.toContain("INSERT");
  });

  test("fails at once where a pattern matches nothing, with the nearest names", async () => {
    await fill("orders", 1);
    const view = await ended((await startExport({ tables: { include: ["oders"] } })).jobId);
    expect(view).toMatchObject({ status: "failed", artifacts: [] });
    expect(view.error).toMatchObject({
      code: "table-not-found",
      message: 'no table or view matches "oders"; near names: "orders"',
    });
  });

  test("reads each row once, and few Class A operations are spent on a small one", async () => {
    await fill("a", 3_000);
    const view = await ended((await startExport()).jobId);
    expect(view.usage.rowsRead).toBeLessThan(3_000 * 1.05);
    expect(view.usage.r2ClassAOperations).toBe(2);
  });

  test("of a million rows never asks for more than a page at a time", async () => {
    await query(
      "CREATE TABLE n(i INTEGER PRIMARY KEY)",
      "INSERT INTO n WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 1000000) SELECT i FROM c",
    );
    const stub = env.DATABASE_DURABLE_OBJECT.getByName("sql-durable-object");
    const source = durableObjectSource(() => stub);
    const { plan, createEncoder } = planDump(
      { source: "main", format: "sql" } as never,
      await readCatalog(source),
    );
    let inFlight = 0;
    let inFlightMax = 0;
    let bytesMax = 0;
    const reader = openLiveReader(source);
    const counting: typeof reader = {
      ...reader,
      readRows: async (table, build) => {
        inFlight += 1;
        inFlightMax = Math.max(inFlightMax, inFlight);
        const results = await reader.readRows(table, build);
        inFlight -= 1;
        return results;
      },
    };
    let rows = 0;
    for await (const piece of readDump({
      reader: counting,
      plan,
      createEncoder,
      cursor: CURSOR_START,
    })) {
      rows += piece.rows;
      bytesMax = Math.max(
        bytesMax,
        piece.bytes.reduce((sum, bytes) => sum + bytes.byteLength, 0),
      );
    }
    expect(rows).toBe(1_000_000);
    expect(inFlightMax).toBe(1);
    expect(bytesMax).toBeLessThan(2_000_000);
  });

  test("fails clearly, and leaves no upload, when its source is gone", async () => {
    await fill("a", 10);
    await using workflows = await introspectWorkflow(env.EXPORT_WORKFLOW);
    await workflows.modifyAll(async (modifier) => {
      await modifier.disableRetryDelays();
      await modifier.mockStepError(
        { name: "export a 1" },
        new Error("source-unavailable: it is asleep"),
      );
    });
    const view = await ended((await startExport()).jobId);
    expect(view.status).toBe("failed");
    expect(view.error).toMatchObject({ code: "source-unavailable" });
    expect(view.artifacts).toEqual([]);
  });
});

describe("the lock of a source", () => {
  test("answers 409 with the running job, and the same job to the same Idempotency-Key", async () => {
    await fill("a", 30_000);
    const first = await startExport({}, { "idempotency-key": "nightly 1" });
    const again = await startExport({}, { "idempotency-key": "nightly 1" });
    expect(again.jobId).toBe(first.jobId);
    const second = await api("/export/dump", { method: "POST" });
    expect(second.status).toBe(409);
    expect(await second.json()).toMatchObject({
      code: "export-already-running",
      jobId: first.jobId,
    });
    const other = await api("/export/dump", {
      method: "POST",
      body: JSON.stringify({ retentionHours: 3 }),
      headers: { "idempotency-key": "nightly 1" },
    });
    expect(other.status).toBe(422);
    await other.body?.cancel();
    await ended(first.jobId);
    const later = await startExport({}, { "idempotency-key": "nightly 1" });
    expect(later).toMatchObject({ jobId: first.jobId, status: "completed" });
    const next = await startExport();
    expect(next.jobId).not.toBe(first.jobId);
    await ended(next.jobId);
  });
});

describe("DELETE", () => {
  test("cancels a running job and says so again, frees the lock, and keeps the record", async () => {
    await fill("a", 60_000);
    const { jobId } = await startExport();
    const cancelled = await api(`/export/dump/${jobId}`, { method: "DELETE" });
    expect(await cancelled.json()).toMatchObject({ status: "cancelled" });
    const again = await api(`/export/dump/${jobId}`, { method: "DELETE" });
    expect(await again.json()).toMatchObject({ jobId, status: "cancelled" });
    expect((await api(`/export/dump/${jobId}/download`)).status).toBe(409);
    await ended((await startExport()).jobId);
  });

  test("removes a finished job with its files", async () => {
    await fill("a", 10);
    const { jobId } = await startExport();
    await ended(jobId);
    expect(await listStoredKeys(jobId)).toHaveLength(2);
    expect((await api(`/export/dump/${jobId}`, { method: "DELETE" })).status).toBe(204);
    expect((await api(`/export/dump/${jobId}`)).status).toBe(404);
    expect(await listStoredKeys(jobId)).toEqual([]);
    expect((await api(`/export/dump/${jobId}`, { method: "DELETE" })).status).toBe(204);
  });
});

test("the largest part there may be, and a page behind it, go with a commit as one value", async () => {
  const pieces = PART_BYTES_MAX / BLOB_BYTES_MAX + 4;
  const commit = {
    jobId: crypto.randomUUID(),
    run: 1,
    expectedCheckpoint: 0,
    table: "t",
    cursor: CURSOR_START,
    nextTable: "t",
    pieces: [],
    tables: [],
    carry: Array.from({ length: pieces }, () => new Uint8Array(MIB)),
    usage: { rowsRead: 0, rowsWritten: 0, r2ClassAOperations: 0 },
    startedAtMs: 0,
  };
  expect(await env.EXPORT_JOBS.getByName("jobs").commitChunk(commit)).toMatchObject({
    ok: false,
    failure: { code: "run-superseded" },
  });
});
