import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";

import type { RestoreView } from "../../src/api/restore-view.ts";
import { durableObjectSource } from "../../src/databases/durable-object/durable-object-source.ts";
import { d1Source } from "../../src/databases/d1/d1-source.ts";
import type { Source } from "../../src/databases/source.ts";
import { api, download, emptyDatabase, ended, query, startExport } from "../support/api.ts";

beforeEach(emptyDatabase);

const {
  SHOP_DB: shop,
  DATABASE_DURABLE_OBJECT: namespace,
  EXPORT_R2_BUCKET: bucket,
} = env as unknown as {
  SHOP_DB: D1Database;
  DATABASE_DURABLE_OBJECT: DurableObjectNamespace;
  EXPORT_R2_BUCKET: R2Bucket;
};

function copy(name: string): Source {
  return durableObjectSource(() => namespace.getByName(name) as never);
}

async function startRestore(body: object, headers: Record<string, string> = {}): Promise<Response> {
  return api("/import/dump", {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
}

async function restored(body: object, headers?: Record<string, string>): Promise<RestoreView> {
  const response = await startRestore(body, headers);
  const started = await response.json<RestoreView>();
  expect(response.status, JSON.stringify(started)).toBe(202);
  return expect
    .poll(async () => {
      const view = await (await api(`/import/dump/${started.jobId}`)).json<RestoreView>();
      return view;
    })
    .toSatisfy((view: RestoreView) => view.status !== "queued" && view.status !== "running")
    .then(async () => (await api(`/import/dump/${started.jobId}`)).json<RestoreView>());
}

async function exported(body: object = {}): Promise<{ jobId: string; bytes: Uint8Array }> {
  const { jobId } = await startExport(body);
  expect((await ended(jobId)).status).toBe("completed");
  return { jobId, bytes: await download(jobId) };
}

async function fillSource(): Promise<void> {
  await query(
    "CREATE TABLE person (id INTEGER PRIMARY KEY, boss INTEGER REFERENCES person(id), name TEXT)",
    "PRAGMA defer_foreign_keys=ON",
    `INSERT INTO person WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
     SELECT i, nullif(i % 20000 + 1, 1), 'person ' || i FROM n`,
    "CREATE TABLE blobs (k TEXT PRIMARY KEY, b BLOB) WITHOUT ROWID",
    "INSERT INTO blobs VALUES ('a', zeroblob(300000)), ('b', x'00ff')",
    "CREATE VIRTUAL TABLE notes USING fts5(body)",
    "INSERT INTO notes VALUES ('hello world'), ('more words')",
    "CREATE TRIGGER t AFTER INSERT ON person BEGIN INSERT INTO notes VALUES ('no'); END",
  );
}

describe("a restore", () => {
  test.each(["none", "gzip", "zstd"])(
    "makes an equal database of a job's dump (%s)",
    async (compression) => {
      await fillSource();
      const { jobId } = await exported({ compression });
      const name = `copy-${compression}`;
      const view = await restored({ from: { jobId }, target: "copies", name });
      expect(view.error).toBe(null);
      expect(view).toMatchObject({
        status: "completed",
        warnings: [expect.stringContaining("PRAGMA")],
      });
      const first = await exported();
      const second = await exported({ source: "copies", name });
      expect(new TextDecoder().decode(second.bytes)).toBe(
        new TextDecoder().decode(first.bytes).replace('source "main"', 'source "copies"'),
      );
      const left = await copy(name).query({
        sql: "SELECT name FROM sqlite_master WHERE name LIKE 'tmp_%'",
      });
      expect(left.rows).toEqual([]);
    },
  );

  test("loads an object of the bucket into D1", async () => {
    await bucket.put("script.sql", "CREATE TABLE t(a); INSERT INTO t VALUES(1),(2);");
    const view = await restored({ from: { object: "script.sql" }, target: "shop" });
    expect(view).toMatchObject({ status: "completed", error: null });
    const { rows } = await d1Source(shop, "SHOP_DB").query({ sql: "SELECT count(*) FROM t" });
    expect(rows).toEqual([[2]]);
  });

  test("is found by its Idempotency-Key although it has filled its target", async () => {
    await bucket.put("known.sql", "CREATE TABLE t(a); INSERT INTO t VALUES(1);");
    const body = { from: { object: "known.sql" }, target: "copies", name: "known" };
    const { jobId } = await restored(body, { "idempotency-key": "known" });
    await bucket.delete("known.sql");
    const repeat = await startRestore(body, { "idempotency-key": "known" });
    expect([repeat.status, repeat.headers.get("idempotency-replayed")]).toEqual([202, "true"]);
    expect(await repeat.json()).toMatchObject({ jobId, status: "completed" });
    const other = await startRestore({ ...body, verify: "none" }, { "idempotency-key": "known" });
    expect([other.status, await other.json()]).toMatchObject([
      422,
      { code: "idempotency-key-reused" },
    ]);
  });

  test("names the statement that fails, and leaves an empty target empty", async () => {
    await bucket.put(
      "bad.sql",
      "CREATE TABLE t(a UNIQUE);\nINSERT INTO t VALUES(1);\nINSERT INTO t VALUES(1);",
    );
    const view = await restored({ from: { object: "bad.sql" }, target: "copies", name: "bad" });
    expect(view).toMatchObject({
      status: "failed",
      error: { code: "statement-failed", place: { statement: 3, line: 3, table: "t" } },
    });
    await expect
      .poll(
        async () =>
          (
            await copy("bad").query({
              sql: "SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_%' ESCAPE '\\'",
            })
          ).rows,
      )
      .toEqual([]);
  });

  test("replaces a database after exporting it", async () => {
    await query("CREATE TABLE old(a)", "INSERT INTO old VALUES (7)");
    await copy("replaced").transaction([
      { sql: "CREATE TABLE p(id INTEGER PRIMARY KEY)" },
      { sql: "CREATE TABLE c(p REFERENCES p)" },
      { sql: "INSERT INTO p VALUES (1)" },
      { sql: "INSERT INTO c VALUES (1)" },
    ]);
    const { jobId } = await exported();
    const refused = await startRestore({ from: { jobId }, target: "copies", name: "replaced" });
    expect(await refused.json()).toMatchObject({ code: "target-not-empty" });
    const view = await restored({
      from: { jobId },
      target: "copies",
      name: "replaced",
      mode: "replace",
    });
    expect(view).toMatchObject({ status: "completed", safetyExport: { status: "completed" } });
    const { rows } = await copy("replaced").query({
      sql: "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\'",
    });
    expect(rows).toEqual([["old"]]);
    const safety = new TextDecoder().decode(await download(view.safetyExport?.jobId ?? ""));
    expect(safety.length).toBeGreaterThan(0);
  });
});
