import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";

import type { RestoreView } from "../../src/api/restore-view.ts";
import { d1Source } from "../../src/databases/d1/d1-source.ts";
import { api, download, emptyDatabase, ended, query, startExport } from "../support/api.ts";
import { listNames, openCopy, requestRestore, restore, restored } from "../support/restores.ts";

beforeEach(emptyDatabase);

const { SHOP_DB: shop, EXPORT_R2_BUCKET: bucket } = env as unknown as {
  SHOP_DB: D1Database;
  EXPORT_R2_BUCKET: R2Bucket;
};

async function dump(body: object = {}): Promise<{ jobId: string; text: string }> {
  const { jobId } = await startExport(body);
  expect((await ended(jobId)).status).toBe("completed");
  return { jobId, text: new TextDecoder().decode(await download(jobId)) };
}

async function fillSource(): Promise<void> {
  await query(
    "CREATE TABLE person (id INTEGER PRIMARY KEY, boss INTEGER REFERENCES person(id), name TEXT)",
    "PRAGMA defer_foreign_keys=ON",
    `INSERT INTO person WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
     SELECT i, nullif(i % 500 + 1, 1), 'person ' || i FROM n`,
    "CREATE TABLE blobs (k TEXT PRIMARY KEY, b BLOB) WITHOUT ROWID",
    "INSERT INTO blobs VALUES ('a', zeroblob(300000)), ('b', x'00ff')",
    "CREATE VIRTUAL TABLE notes USING fts5(body)",
    "INSERT INTO notes VALUES ('hello world'), ('more words')",
    "CREATE TRIGGER t AFTER INSERT ON person BEGIN INSERT INTO notes VALUES ('no'); END",
  );
}

describe("a restore", () => {
  test.each(["none", "gzip", "zstd"])(
    "of a job's dump makes a database with the same dump (%s)",
    async (compression) => {
      await fillSource();
      const { jobId } = await dump({ compression });
      const name = `copy-${compression}`;
      const view = await restore({ from: { jobId }, target: "copies", name });
      expect(view.error).toBe(null);
      expect(view).toMatchObject({
        status: "completed",
        progress: { percent: 100, phase: "done" },
        verification: { state: "equal" },
      });
      const first = await dump();
      const second = await dump({ source: "copies", name });
      expect(second.text).toBe(first.text.replace('source "main"', 'source "copies"'));
      expect(await listNames(name)).not.toContain("tmp_export_restore");
    },
  );

  test("loads an object of the bucket into D1", async () => {
    await bucket.put("script.sql", "CREATE TABLE t(a); INSERT INTO t VALUES(1),(2);");
    const view = await restore({ from: { object: "script.sql" }, target: "shop" });
    expect(view).toMatchObject({ status: "completed", error: null });
    const { rows } = await d1Source(shop, "SHOP_DB").query({ sql: "SELECT count(*) FROM t" });
    expect(rows).toEqual([[2]]);
  });

  test("replaces what a D1 database contains", async () => {
    await shop.exec("CREATE TABLE IF NOT EXISTS replaced(a)");
    await bucket.put("d1.sql", "CREATE TABLE t(a); INSERT INTO t VALUES(1),(2);");
    const to = { from: { object: "d1.sql" }, target: "shop", mode: "replace" };
    expect(await restore(to)).toMatchObject({ status: "completed", error: null });
    const { rows } = await d1Source(shop, "SHOP_DB").query({ sql: "SELECT count(*) FROM t" });
    expect(rows).toEqual([[2]]);
  });

  test("is found by its Idempotency-Key although it has filled its target", async () => {
    await bucket.put("known.sql", "CREATE TABLE t(a); INSERT INTO t VALUES(1);");
    const body = { from: { object: "known.sql" }, target: "copies", name: "known" };
    const key = { "idempotency-key": "known" };
    const first = await (await requestRestore(body, key)).json<RestoreView>();
    const { jobId } = await restored(first.jobId);
    await bucket.delete("known.sql");
    const repeat = await requestRestore(body, key);
    expect([repeat.status, repeat.headers.get("idempotency-replayed")]).toEqual([202, "true"]);
    expect(await repeat.json()).toMatchObject({ jobId, status: "completed" });
    const other = await requestRestore({ ...body, verify: "none" }, key);
    expect([other.status, await other.json()]).toMatchObject([
      422,
      { code: "idempotency-key-reused" },
    ]);
  });

  test("names the statement that fails, and leaves an empty target empty", async () => {
    const script = "CREATE TABLE t(a UNIQUE);\nINSERT INTO t VALUES(1);\nINSERT INTO t VALUES(1);";
    await bucket.put("bad.sql", script);
    const view = await restore({ from: { object: "bad.sql" }, target: "copies", name: "bad" });
    expect(view).toMatchObject({
      status: "failed",
      error: { code: "statement-failed", place: { statement: 3, line: 3, table: "t" } },
    });
    expect(await listNames("bad")).toEqual([]);
  });

  test("replaces a database after exporting it", async () => {
    await query("CREATE TABLE fresh(a)", "INSERT INTO fresh VALUES (7)");
    await fillOld("replaced");
    const { jobId } = await dump();
    const to = { from: { jobId }, target: "copies", name: "replaced" };
    expect(await (await requestRestore(to)).json()).toMatchObject({ code: "target-not-empty" });
    const view = await restore({ ...to, mode: "replace" });
    expect(view).toMatchObject({ status: "completed", safetyExport: { status: "completed" } });
    expect(await listNames("replaced")).toEqual(["fresh"]);
    const safety = await download(view.safetyExport?.jobId ?? "");
    expect(new TextDecoder().decode(await gunzip(safety))).toContain("CREATE TABLE child");
  });

  test("gives a database its former content back if it fails and is told to", async () => {
    await fillOld("undone");
    await bucket.put("bad.sql", "CREATE TABLE t(a);\nINSERT INTO nothing VALUES(1);");
    const to = { from: { object: "bad.sql" }, target: "copies", name: "undone", mode: "replace" };
    const view = await restore({ ...to, undoOnFailure: true });
    expect(view).toMatchObject({ status: "failed", error: { code: "statement-failed" } });
    expect(await listNames("undone")).toEqual(["child", "parent"]);
    const { rows } = await openCopy("undone").query({ sql: "SELECT * FROM child" });
    expect(rows).toEqual([[1]]);
  });

  test("says how to get the former content back if it fails", async () => {
    await fillOld("lost");
    await bucket.put("bad.sql", "CREATE TABLE t(a);\nINSERT INTO nothing VALUES(1);");
    const to = { from: { object: "bad.sql" }, target: "copies", name: "lost", mode: "replace" };
    const view = await restore(to);
    const safety = view.safetyExport?.jobId ?? "";
    expect(view.error?.message).toContain(`{"from": {"jobId": "${safety}"}, "mode": "replace"}`);
    await restore({ from: { jobId: safety }, target: "copies", name: "lost", mode: "replace" });
    expect(await listNames("lost")).toEqual(["child", "parent"]);
  });
});

describe("a request for a restore", () => {
  test.each([
    ["an unknown job", { from: { jobId: crypto.randomUUID() } }, 404, "job-not-found"],
    ["an unknown object", { from: { object: "no.sql" } }, 404, "script-not-found"],
    ["a target that is not writable", { target: "main" }, 403, "target-not-writable"],
    ["an unknown target", { target: "nowhere" }, 404, "source-not-found"],
    ["an object that is not named", { name: undefined }, 400, "invalid-request"],
    ["two places of the script", { from: { object: "a", jobId: "b" } }, 400, "invalid-request"],
    ["an unknown mode", { mode: "merge" }, 400, "invalid-request"],
    ["an undo of nothing", { undoOnFailure: true }, 400, "invalid-request"],
    ["an unknown field", { force: true }, 400, "invalid-request"],
  ])("is refused for %s", async (_title, change, status, code) => {
    await bucket.put("ok.sql", "CREATE TABLE t(a);");
    const body = { from: { object: "ok.sql" }, target: "copies", name: "refused", ...change };
    const response = await requestRestore(body);
    expect(await response.json()).toMatchObject({ status, code });
    expect(response.status).toBe(status);
    expect(await listNames("refused")).toEqual([]);
  });

  test("is refused for an export that is no SQL script", async () => {
    await query("CREATE TABLE t(a)");
    const { jobId } = await startExport({ format: "csv" });
    await ended(jobId);
    const response = await requestRestore({ from: { jobId }, target: "copies", name: "csv" });
    expect(await response.json()).toMatchObject({ status: 422, code: "dump-not-restorable" });
  });

  test("is refused for an export that contains only rows", async () => {
    await query("CREATE TABLE t(a)");
    const { jobId } = await startExport({ content: "data" });
    await ended(jobId);
    const response = await requestRestore({ from: { jobId }, target: "copies", name: "rows" });
    expect(await response.json()).toMatchObject({
      status: 422,
      code: "dump-not-restorable",
      detail: expect.stringContaining("only rows (content: data)"),
    });
  });

  test.each([
    [{}, "from: expected one of the fields fileId, fleetId, jobId, object"],
    [{ jobId: "x" }, "from: jobId: expected a UUID"],
    [{ object: 7 }, "from: object: expected a string"],
    [{ object: "a", sha256: "z" }, "from: sha256: expected the 64 hex digits of a SHA-256"],
  ])("is refused for the place %j of its script, in plain words", async (from, detail) => {
    const response = await requestRestore({ from, target: "copies", name: "place" });
    expect(await response.json()).toMatchObject({
      code: "invalid-request",
      detail: `the body: ${detail}`,
    });
  });

  test("is refused while its target is exported or restored", async () => {
    await bucket.put("ok.sql", "CREATE TABLE t(a);");
    const body = { from: { object: "ok.sql" }, target: "copies", name: "busy" };
    const both = await Promise.all([requestRestore(body), requestRestore(body)]);
    const codes = both.map(({ status }) => status).toSorted((a, b) => a - b);
    expect(codes).toEqual([202, 409]);
    const refused = both.find(({ status }) => status === 409);
    expect(await refused?.json()).toMatchObject({ code: "restore-already-running" });
  });

  test("with the same Idempotency-Key returns the same restore", async () => {
    await bucket.put("ok.sql", "CREATE TABLE t(a);");
    const body = { from: { object: "ok.sql" }, target: "copies", name: "once" };
    const headers = { "idempotency-key": "once" };
    const [first, second] = [
      await (await requestRestore(body, headers)).json<{ jobId: string }>(),
      await (await requestRestore(body, headers)).json<{ jobId: string }>(),
    ];
    expect(second.jobId).toBe(first.jobId);
    const other = await requestRestore({ ...body, name: "other" }, headers);
    expect(await other.json()).toMatchObject({ code: "idempotency-key-reused" });
  });

  test("does not answer for exports, nor the exports' routes for restores", async () => {
    await bucket.put("ok.sql", "CREATE TABLE t(a);");
    const view = await restore({ from: { object: "ok.sql" }, target: "copies", name: "kinds" });
    const { jobId } = await startExport();
    await ended(jobId);
    expect((await api(`/export/dump/${view.jobId}`)).status).toBe(404);
    expect((await api(`/import/dump/${jobId}`)).status).toBe(404);
    const list = await (await api("/import/jobs")).json<{ jobs: { jobId: string }[] }>();
    expect(list.jobs.map((each) => each.jobId)).toContain(view.jobId);
    expect(list.jobs.map((each) => each.jobId)).not.toContain(jobId);
    const only = `/import/dump/${view.jobId}?only=cancel`;
    const stays = await api(only, { method: "DELETE" });
    expect(stays.status).toBe(200);
    expect(await stays.json()).toEqual(await (await api(`/import/dump/${view.jobId}`)).json());
    expect((await api(`/import/dump/${view.jobId}`, { method: "DELETE" })).status).toBe(204);
    expect((await api(only, { method: "DELETE" })).status).toBe(404);
    expect((await api(`/import/dump/${view.jobId}`)).status).toBe(404);
  });
});

describe("a script that cannot be restored", () => {
  test.each([
    ["an empty file", "", "the script contains no statement"],
    ["a binary file", "SQLite format 3\0\u0010\0\u0001", "NUL"],
    ["another format", "id,name\n1,Ann\n", "statement 1, line 1"],
    ["an unfinished statement", "CREATE TABLE t(a);\nINSERT INTO t VALUES('x", "line 2"],
    ["a failed dump", "CREATE TABLE t(a);\nROLLBACK; -- due to errors\n", "ROLLBACK"],
  ])("is refused before anything changes: %s", async (_title, script, message) => {
    await bucket.put("refused.sql", script);
    const to = { from: { object: "refused.sql" }, target: "copies", name: "untouched" };
    const view = await restore({ ...to, mode: "replace" });
    expect(view).toMatchObject({
      status: "failed",
      safetyExport: null,
      error: { code: "script-invalid", message: expect.stringContaining(message) },
    });
  });

  test("is refused if its bytes have another hash", async () => {
    await bucket.put("hash.sql", "CREATE TABLE t(a);");
    const from = { object: "hash.sql", sha256: "0".repeat(64) };
    const view = await restore({ from, target: "copies", name: "hash" });
    expect(view.error?.code).toBe("script-invalid");
    expect(await listNames("hash")).toEqual([]);
  });

  test("is refused if its gzip data ends early", async () => {
    const whole = await new Response(
      new Blob(["CREATE TABLE t(a);".repeat(50)])
        .stream()
        .pipeThrough(new CompressionStream("gzip")),
    ).bytes();
    await bucket.put("cut.sql.gz", whole.slice(0, -10));
    const view = await restore({ from: { object: "cut.sql.gz" }, target: "copies", name: "cut" });
    expect(view.error).toMatchObject({ code: "script-invalid" });
    expect(view.error?.message).toContain("gzip");
  });
});

async function fillOld(name: string): Promise<void> {
  await openCopy(name).transaction(
    [
      "CREATE TABLE parent(id INTEGER PRIMARY KEY)",
      "CREATE TABLE child(p REFERENCES parent)",
      "INSERT INTO parent VALUES (1)",
      "INSERT INTO child VALUES (1)",
    ].map((sql) => ({ sql })),
  );
}

async function gunzip(bytes: Uint8Array): Promise<Uint8Array> {
  const stream = new Blob([new Uint8Array(bytes)])
    .stream()
    .pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).bytes();
}

describe.each([
  ["a Durable Object", "copies", { name: "reserved" }, () => openCopy("reserved")],
  ["D1", "shop", {}, () => d1Source(shop, "SHOP_DB")],
] as const)(
  "a search index whose internal tables have reserved names, in %s,",
  (_, target, object, open) => {
    test("is refused before anything changes, and by the platform too", async () => {
      const create = "CREATE VIRTUAL TABLE _cf USING fts5(a)";
      await expect(open().query({ sql: create })).rejects.toThrow(
        "error creating shadow table _cf_data: not authorized",
      );
      await bucket.put(
        "reserved.sql",
        `INSERT INTO sqlite_schema VALUES('table','_cf','_cf',0,'${create}');
CREATE TABLE IF NOT EXISTS '_cf_content'(id INTEGER PRIMARY KEY, c0);
INSERT INTO _cf_content VALUES(1,'lost');`,
      );
      const names = { sql: "SELECT name FROM sqlite_master ORDER BY name" };
      const { rows } = await open().query(names);
      const from = { object: "reserved.sql" };
      const view = await restore({ from, target, ...object, mode: "replace" });
      expect(view).toMatchObject({ status: "failed", error: { code: "script-invalid" } });
      expect(view.error?.message).toContain("named _cf_data, and the platform reserves that name");
      expect((await open().query(names)).rows).toEqual(rows);
    });
  },
);
