import { env } from "cloudflare:workers";
import { afterEach, beforeAll, describe, expect, test } from "vitest";

import type { JobView } from "../../src/api/job-view.ts";
import type { Manifest } from "../../src/api/manifest.ts";
import { api, ended, query, startExport } from "../support/api.ts";
import { beforeSteps } from "../support/faulty-steps.ts";
import { countScratch, openScratch } from "../support/scratch.ts";
import { listStoredKeys } from "../support/stored-keys.ts";

const { EXPORT_R2_BUCKET: bucket, SHOP_DB: shop } = env as unknown as {
  EXPORT_R2_BUCKET: R2Bucket;
  SHOP_DB: D1Database;
};

const SCHEMA = [
  "CREATE TABLE t (id INTEGER PRIMARY KEY, note)",
  "INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) SELECT i, 'note ' || i FROM n",
  "CREATE TABLE pets (name TEXT)",
  "INSERT INTO pets(rowid, name) VALUES (5, 'cat'), (9, 'dog')",
  "CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT, note TEXT)",
  "INSERT INTO counted VALUES (7, 'seven')",
  "CREATE INDEX notes ON t (note)",
  "CREATE VIEW v AS SELECT note FROM t",
  "CREATE TRIGGER tr AFTER INSERT ON pets BEGIN DELETE FROM t; END",
  "CREATE VIRTUAL TABLE search USING fts5(body)",
  "INSERT INTO search VALUES ('find me'), ('and me')",
];

beforeAll(async () => {
  await query(...SCHEMA);
});

let stop = (): void => {};
afterEach(() => stop());

async function prove(body: object = {}): Promise<JobView> {
  const { jobId } = await startExport({ verify: "restore", ...body });
  return ended(jobId);
}

describe("a proof by restore", () => {
  test.each(["none", "gzip", "zstd"])("proves a dump with compression %s", async (compression) => {
    const view = await prove({ compression });
    expect(view.error).toBe(null);
    expect(view).toMatchObject({
      status: "completed",
      verify: "restore",
      proof: { state: "proved", rows: 305, pieces: 1 },
    });
    expect(view.proof.rowsWritten).toBeGreaterThan(305);
    expect(view.proof.seconds).toBeGreaterThan(0);
    expect(Date.parse(view.proof.at ?? "")).toBeLessThanOrEqual(Date.parse(view.completedAt ?? ""));
    expect(view.usage.rowsWritten).toBeGreaterThanOrEqual(view.proof.rowsWritten);
    const manifest = await (await api(`/export/dump/${view.jobId}/manifest`)).json<Manifest>();
    expect(manifest.proof).toEqual(view.proof);
    expect(await countScratch(view.jobId)).toBe(0);
  });

  test("proves a dump of D1 in a scratch database", async () => {
    await shop.exec("CREATE TABLE sold (id INTEGER PRIMARY KEY, price REAL)");
    await shop.exec("INSERT INTO sold VALUES (1, 1.0), (2, 0.1)");
    const view = await prove({ source: "shop" });
    expect(view).toMatchObject({ status: "completed", proof: { state: "proved", rows: 2 } });
  });

  test("proves a schema without rows, and an empty database", async () => {
    expect(await prove({ content: "schema" })).toMatchObject({
      proof: { state: "proved", rows: 0 },
    });
    const empty = await prove({ source: "tenants", name: "nobody" });
    expect(empty).toMatchObject({ status: "completed", proof: { state: "proved", rows: 0 } });
  });

  test("proves some of the tables", async () => {
    const view = await prove({ tables: { include: ["t", "pets"] } });
    expect(view).toMatchObject({ status: "completed", proof: { state: "proved", rows: 302 } });
  });

  test("is shown as none for a job that asks for none", async () => {
    const view = await ended((await startExport({})).jobId);
    expect(view).toMatchObject({ verify: "checksum", proof: { state: "none", at: null } });
    const manifest = await (await api(`/export/dump/${view.jobId}/manifest`)).json<Manifest>();
    expect(manifest).not.toHaveProperty("proof");
  });
});

describe("a request for a proof", () => {
  test.each([
    [{ format: "csv" }, "a dump in csv cannot be restored"],
    [{ format: "json" }, "a dump in json cannot be restored"],
    [{ format: "ndjson" }, "a dump in ndjson cannot be restored"],
    [{ content: "data" }, "a dump of rows without their tables cannot be restored by itself"],
  ])("is refused for %j", async (body, reason) => {
    const response = await api("/export/dump", {
      method: "POST",
      body: JSON.stringify({ verify: "restore", ...body }),
    });
    expect(response.status).toBe(422);
    const { code, detail } = await response.json<{ code: string; detail: string }>();
    expect(code).toBe("dump-not-restorable");
    expect(detail).toContain(reason);
  });
});

const FAULTS: [string, string, RegExp][] = [
  ["a row is missing", "DELETE FROM t WHERE id = 300", /table "t" has 299 rows/],
  ["a value has another type", "UPDATE t SET note = CAST(note AS BLOB) WHERE id = 9", /table "t"/],
  [
    "a value differs",
    "UPDATE pets SET name = 'cow' WHERE rowid = 9",
    /rows of "pets", .*keys 5 and 9/,
  ],
  [
    "a rowid differs",
    "UPDATE pets SET rowid = 8 WHERE rowid = 9",
    /rows of "pets", .*keys 5 and 8/,
  ],
  ["an index is missing", "DROP INDEX notes", /the index "notes" is missing/],
  ["a trigger is missing", "DROP TRIGGER tr", /the trigger "tr" is missing/],
  ["a view is missing", "DROP VIEW v", /the view "v" is missing/],
  ["an index was added", "CREATE INDEX more ON pets (name)", /the index "more"/],
  [
    "a sequence differs",
    "UPDATE sqlite_sequence SET seq = 70",
    /a counter of AUTOINCREMENT in sqlite_sequence/,
  ],
  ["a search index differs", "DELETE FROM search WHERE rowid = 1", /"search"/],
  ["a table is missing", "DROP TABLE counted", /table "counted" of the dump is missing/],
];

describe("a proof fails, and names the place, if", () => {
  test.each(FAULTS)("%s", async (_, sql, message) => {
    let jobId = "";
    stop = beforeSteps(
      (step) => step === "prove restore 3",
      () => openScratch(jobId).transaction([{ sql }]),
    );
    ({ jobId } = await startExport({ verify: "restore" }));
    const view = await ended(jobId);
    expect(view).toMatchObject({
      status: "failed",
      error: { code: "restore-differs" },
      proof: { state: "failed" },
      artifacts: [],
    });
    expect(view.error?.message).toMatch(message);
    expect(await countScratch(jobId)).toBe(0);
  });

  test.each([
    ["none", /chunk 1 of 1 of dump.sql has changed since it was verified/],
    ["gzip", /chunk 1 of 1 of dump.sql.gz has changed since it was verified/],
    ["zstd", /chunk 1 of 1 of dump.sql.zst has changed since it was verified/],
  ])("a byte changed in the bucket (compression %s)", async (compression, message) => {
    stop = beforeSteps(
      (step) => step === "prove restore 1",
      async () => {
        const keys = await listStoredKeys(jobId);
        const found = keys.find((key) => key.includes("dump.sql")) ?? "";
        const bytes = new Uint8Array(await (await bucket.get(found))!.arrayBuffer());
        const at = bytes.length - 300;
        bytes[at] = (bytes[at] as number) ^ 1;
        await bucket.put(found, bytes);
      },
    );
    const { jobId } = await startExport({ verify: "restore", compression });
    const view = await ended(jobId);
    expect(view).toMatchObject({ status: "failed", error: { code: "restore-differs" } });
    expect(view.error?.message).toMatch(message);
    expect(view.error?.message).toMatch(/rows of "\w+"/);
  });

  test("a refused row is named by its statement and table, without its values", async () => {
    await query(
      "CREATE TABLE checked (age INTEGER CHECK (age >= 0), secret TEXT)",
      "PRAGMA ignore_check_constraints = ON",
      "INSERT INTO checked VALUES (-5, 'do not tell')",
      "PRAGMA ignore_check_constraints = OFF",
    );
    const { jobId } = await startExport({ verify: "restore" });
    const view = await ended(jobId);
    expect(view).toMatchObject({ status: "failed", error: { code: "restore-differs" } });
    expect(view.error?.message).toMatch(
      /^the dump cannot be restored: statement \d+, line \d+, byte \d+ \(table "checked"\): .*CHECK constraint/,
    );
    expect(view.error?.message).not.toContain("do not tell");
    await query("DROP TABLE checked");
  });

  test("the file is gone", async () => {
    stop = beforeSteps(
      (step) => step === "prove restore 2",
      async () => {
        await bucket.delete(await listStoredKeys(jobId));
      },
    );
    const { jobId } = await startExport({ verify: "restore" });
    const view = await ended(jobId);
    expect(view).toMatchObject({ status: "failed", error: { code: "restore-differs" } });
  });
});

test("a proof that is cancelled leaves nothing in its scratch database", async () => {
  let jobId = "";
  stop = beforeSteps(
    (step) => step === "prove restore 3",
    async () => {
      expect(await countScratch(jobId)).toBeGreaterThan(0);
      await api(`/export/dump/${jobId}`, { method: "DELETE" });
    },
  );
  ({ jobId } = await startExport({ verify: "restore" }));
  const view = await ended(jobId);
  expect(view).toMatchObject({ status: "cancelled", proof: { state: "none" } });
  await expect.poll(() => countScratch(jobId)).toBe(0);
});
