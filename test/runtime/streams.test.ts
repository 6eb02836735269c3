import { gunzipSync, zstdDecompressSync } from "node:zlib";
import {
  env,
  introspectWorkflow,
  runDurableObjectAlarm,
  runInDurableObject,
} from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { readSettings } from "../../src/config/settings.ts";
import { STREAM_LEASE_MS, STREAM_RENEW_MS, STREAM_STALL_MS } from "../../src/api/limits.ts";
import type { StreamRequest } from "../../src/api/stream-query.ts";
import { openStream } from "../../src/streams/open-stream.ts";
import { planStream } from "../../src/streams/plan-stream.ts";
import {
  api,
  download,
  emptyDatabase,
  ended,
  query,
  sha256Of,
  snapshotObjects,
  startExport,
} from "../support/api.ts";

beforeEach(emptyDatabase);

const { SHOP_DB: shop } = env as unknown as { SHOP_DB: D1Database };
const jobs = () => env.EXPORT_JOBS.getByName("jobs");

/** Rows of which a dump is several chunks. */
async function fill(rows = 60_000): Promise<void> {
  await query(
    "CREATE TABLE t(id INTEGER PRIMARY KEY, note TEXT)",
    `INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows})
     SELECT i, hex(zeroblob(60)) FROM n`,
    "CREATE TABLE u(id INTEGER PRIMARY KEY AUTOINCREMENT, r)",
    "INSERT INTO u VALUES (1, -0.0), (7, 1e300)",
    "CREATE VIEW v AS SELECT * FROM u",
    "CREATE TRIGGER w AFTER INSERT ON u BEGIN SELECT 1; END",
  );
}

async function streams(): Promise<unknown[]> {
  return runInDurableObject(jobs(), (_, { storage }) =>
    storage.sql.exec("SELECT * FROM tmp_export_streams").toArray(),
  );
}

/** Nothing of any stream is left, neither in the database nor among the locks. */
async function nothingLeft(): Promise<void> {
  while ((await snapshotObjects()).length > 0) await scheduler.wait(5);
  while ((await streams()).length > 0) await scheduler.wait(5);
}

async function problemOf(path: string, init: RequestInit = {}) {
  const response = await api(path, init);
  const problem = await response.json<Record<string, unknown>>();
  expect(problem["status"]).toBe(response.status);
  return problem;
}

const hashOf = async (response: Response): Promise<string> =>
  sha256Of(new Uint8Array(await response.arrayBuffer()));

const hashOfJob = async (jobId: string): Promise<string> => sha256Of(await download(jobId));

function open(request: Partial<StreamRequest> = {}) {
  const config = readSettings(env);
  const full: StreamRequest = {
    source: "main",
    format: "sql",
    compression: "none",
    content: "all",
    ...request,
  };
  return planStream(env, config, full).then((planned) => openStream(planned, { env, config }));
}

/** Reads a stream's first block, and says how to go on. */
async function begin(body: ReadableStream<Uint8Array>) {
  const reader = body.getReader();
  const first = await reader.read();
  const rest = async (): Promise<number> => {
    for (let bytes = first.value?.byteLength ?? 0; ;) {
      const next = await reader.read();
      if (next.done) return bytes;
      bytes += next.value.byteLength;
    }
  };
  return { reader, rest };
}

describe("GET /export/dump", () => {
  test("gives the bytes of a job's file, from one instant, and leaves nothing behind", async () => {
    await fill();
    const { jobId } = await ended((await startExport()).jobId);
    const response = await api("/export/dump");
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "application/sql",
      "content-disposition": "attachment; filename=\"dump.sql\"; filename*=UTF-8''dump.sql",
      "cache-control": "no-store, no-transform",
      "export-snapshot-at": expect.stringMatching(/^\d{4}-.*Z$/),
    });
    expect(response.headers.has("content-length")).toBe(false);
    expect(await hashOf(response)).toBe(await hashOfJob(jobId));
    expect([await snapshotObjects(), await streams()]).toEqual([[], []]);
  });

  test("shows the instant of its beginning, whatever is written while it is read", async () => {
    await fill();
    const { jobId } = await ended((await startExport()).jobId);
    const { body } = await open();
    const pieces: Uint8Array[] = [];
    let written = 0;
    for await (const piece of body) {
      pieces.push(piece);
      written += 1;
      await query(
        `UPDATE t SET note = 'changed' WHERE id % 100 = ${written}`,
        `DELETE FROM t WHERE id % 1000 = ${written}`,
        `INSERT INTO t(note) VALUES ('late')`,
        "DELETE FROM u",
      );
    }
    expect(written).toBeGreaterThan(10);
    const bytes = new Uint8Array(await new Blob(pieces as BlobPart[]).arrayBuffer());
    expect(await sha256Of(bytes)).toBe(await hashOfJob(jobId));
    await nothingLeft();
  });

  test.each([
    ["gzip", 60_000, gunzipSync],
    ["zstd", 1_500, zstdDecompressSync],
  ] as const)("compresses by %s", async (compression, rows, open) => {
    await fill(rows);
    const { jobId } = await ended((await startExport()).jobId);
    const response = await api(`/export/dump?compression=${compression}`);
    expect(response.headers.get("content-type")).toBe(`application/${compression}`);
    const bytes = new Uint8Array(open(await response.arrayBuffer()));
    expect(await sha256Of(bytes)).toBe(await hashOfJob(jobId));
  });

  test("reads a small database in one turn, without snapshot and lock, beside a job", async () => {
    await fill(1_500);
    const { jobId } = await ended((await startExport()).jobId);
    const stream = await open();
    expect([await snapshotObjects(), await streams()]).toEqual([[], []]);
    expect(stream.atMs).toBeGreaterThan(Date.now() - 60_000);
    expect(await hashOf(new Response(stream.body))).toBe(await hashOfJob(jobId));
  });

  test("answers HEAD without a snapshot", async () => {
    await fill();
    const response = await api("/export/dump?compression=gzip", { method: "HEAD" });
    expect(response.status).toBe(200);
    expect(response.headers.get("content-disposition")).toContain("dump.sql.gz");
    expect([await snapshotObjects(), await streams()]).toEqual([[], []]);
  });

  test("takes tables by pattern, and rows alone", async () => {
    await fill(10);
    const text = await (await api("/export/dump?include=u&include=v*&content=data")).text();
    expect(text).toContain('INSERT INTO "u"');
    expect(text).not.toContain("CREATE");
    expect(text).not.toContain('"t"');
    const rows = await (await api("/export/dump?format=ndjson&exclude=t&exclude=v")).text();
    expect(rows).toBe('{"id":1,"r":-0.0}\n{"id":7,"r":1.0e+300}\n');
  });

  test("tells in a header what the file lacks", async () => {
    await query('CREATE TABLE "é"(a, b AS (a))', 'INSERT INTO "é" VALUES (1)');
    const response = await api("/export/dump?format=csv");
    expect(await response.text()).toBe('"a"\r\n1\r\n');
    const warnings = response.headers.get("export-warnings") ?? "";
    expect(warnings).toMatch(/^[\x20-\x7e]+$/);
    expect(JSON.parse(warnings)).toEqual(['generated columns of table "é" are left out: "b"']);
  });

  test.each([
    ["?format=csv", "would be 2 files: name one table, or start a job instead"],
    ["?format=xml", 'the query: format: expected "sql"'],
    ["?fromat=csv", "the query: fromat: unknown field"],
    ["?format=sql&format=csv", "the query: format: is given more than once"],
    ["?format=csv&content=schema", "csv contains only rows"],
    ["?include=", 'no table or view matches ""'],
    ["?callbackUrl=https://example.com", "the query: callbackUrl: unknown field"],
    ["?name=other", 'EXPORT_SOURCES allows no object named "other" for source "main"'],
    ["?source=nowhere", 'there is no source "nowhere"'],
    ["?include=nothing", 'no table or view matches "nothing"'],
  ])("refuses %s, and says why", async (search, words) => {
    await fill(1);
    const problem = await problemOf(`/export/dump${search}`);
    expect(problem["status"]).toBeLessThan(500);
    expect(problem["detail"]).toContain(words);
  });
});

describe("GET /export/csv/:table and /export/json/:table", () => {
  test.each(["csv", "json"] as const)("give the bytes of a job's file as %s", async (format) => {
    await fill();
    const { jobId } = await ended(
      (await startExport({ format, tables: { include: ["t"] } })).jobId,
    );
    const response = await api(`/export/${format}/T`);
    expect(response.headers.get("content-disposition")).toContain(`filename="t.${format}"`);
    expect(await hashOf(response)).toBe(await hashOfJob(jobId));
    await nothingLeft();
  });

  test.each(["order/lines", "100%", "a*b", "日本", 'O\'Hara "x"', "%2F", " ", "?&#"])(
    "take the name %j as it is",
    async (name) => {
      await query(
        `CREATE TABLE "${name.replaceAll('"', '""')}"(a)`,
        `INSERT INTO "${name.replaceAll('"', '""')}" VALUES (1)`,
        "CREATE TABLE ab(a)",
      );
      const response = await api(`/export/json/${encodeURIComponent(name)}`);
      expect([name, await response.text()]).toEqual([name, '[\n{"a":1}\n]\n']);
    },
  );

  test("answer 404 for what is no table, with near names", async () => {
    await fill(1);
    await query("CREATE TABLE users(a)");
    expect(await problemOf("/export/csv/userz")).toMatchObject({
      status: 404,
      code: "table-not-found",
      near: ["users"],
    });
    expect(await problemOf("/export/csv/")).toMatchObject({ status: 404, code: "not-found" });
    expect(await problemOf("/export/csv/*")).toMatchObject({ code: "table-not-found" });
    expect(await problemOf("/export/json/v")).toMatchObject({
      status: 404,
      detail: '"v" is a view, not a table',
    });
    expect(await problemOf("/export/json/sqlite_master")).toMatchObject({ status: 404 });
    expect((await api("/export/csv/userz", { method: "HEAD" })).status).toBe(404);
    expect(await problemOf("/export/csv/users?format=json")).toMatchObject({ status: 400 });
  });

  test("answer 422 for a virtual table without rows of its own", async () => {
    await query("CREATE VIRTUAL TABLE f USING fts5(a, content='')");
    expect(await problemOf("/export/csv/f")).toMatchObject({
      status: 422,
      code: "catalog-unreadable",
      detail: expect.stringContaining("keeps no content of its own"),
    });
  });

  test("write what an empty table is", async () => {
    await query("CREATE TABLE e(a)");
    expect(await (await api("/export/csv/e")).text()).toBe('"a"\r\n');
    expect(await (await api("/export/json/e")).text()).toBe("[]\n");
    const packed = await api("/export/dump?format=ndjson&compression=gzip");
    expect(gunzipSync(new Uint8Array(await packed.arrayBuffer()))).toHaveLength(0);
  });
});

describe("a stream of D1", () => {
  test("is live unless a snapshot is asked for, and has the same bytes", async () => {
    await shop.exec("DROP TABLE IF EXISTS d");
    await shop.exec("CREATE TABLE d(id INTEGER PRIMARY KEY, b)");
    const small = "INSERT INTO d VALUES (1, X'00FF'), (2, 9007199254740993)";
    await shop.exec(small);
    expect(await (await api("/export/csv/d?source=shop")).text()).toBe(
      '"id","b"\r\n1,"00FF"\r\n2,9007199254740993\r\n',
    );
    await shop
      .prepare(
        `INSERT INTO d WITH RECURSIVE n(i) AS (SELECT 3 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
       SELECT i, randomblob(50) FROM n`,
      )
      .run();
    const live = await api("/export/dump?source=shop");
    expect(live.headers.has("export-snapshot-at")).toBe(false);
    const frozen = await api("/export/dump?source=shop&consistency=snapshot");
    // The first one holds the lock until it is read to its end.
    expect(frozen.status).toBe(409);
    const text = await live.text();
    const again = await api("/export/dump?source=shop&consistency=snapshot");
    expect(again.headers.has("export-snapshot-at")).toBe(true);
    expect(await again.text()).toBe(text);
  });
});

describe("the lock", () => {
  test("keeps out jobs and other streams, which are told the stream's id", async () => {
    await fill();
    const response = await api("/export/dump");
    const [row] = (await streams()) as { stream_id: string }[];
    const refused = { status: 409, code: "export-already-running", streamId: row?.stream_id };
    expect(await problemOf("/export/dump", { method: "POST" })).toMatchObject(refused);
    expect(await problemOf("/export/csv/t")).toMatchObject(refused);
    await response.body?.cancel();
    await nothingLeft();
    expect((await ended((await startExport()).jobId)).status).toBe("completed");
  });

  test("is a job's while one runs", async () => {
    await fill();
    const { jobId } = await startExport();
    expect(await problemOf("/export/dump")).toMatchObject({ status: 409, jobId });
    await ended(jobId);
  });

  test("is free again where opening fails", async () => {
    await fill();
    const columns = Array.from({ length: 100 }, (_, n) => `[${`${n}`.padEnd(850, '"')}]`);
    await query(`CREATE TABLE wide(${columns.join(", ")})`);
    expect(await problemOf("/export/dump")).toMatchObject({
      status: 422,
      code: "table-too-wide-for-snapshot",
    });
    expect([await snapshotObjects(), await streams()]).toEqual([[], []]);
  });
});

describe("a lease", () => {
  const leaseEndMs = async (): Promise<number> =>
    ((await streams()) as { lease_until_ms: number }[])[0]?.lease_until_ms ?? 0;

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["Date"] });
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  test("is renewed as the client takes what is sent, at most every 30 seconds", async () => {
    await fill();
    const { reader } = await begin((await open()).body);
    const startMs = Date.now();
    const firstMs = await leaseEndMs();
    expect(firstMs).toBeGreaterThanOrEqual(startMs + STREAM_STALL_MS);
    vi.setSystemTime(startMs + STREAM_RENEW_MS - 1_000);
    await reader.read();
    expect(await leaseEndMs()).toBe(firstMs);
    vi.setSystemTime(startMs + STREAM_RENEW_MS + 1_000);
    await reader.read();
    expect(await leaseEndMs()).toBe(startMs + STREAM_RENEW_MS + 1_000 + STREAM_LEASE_MS);
    await reader.cancel();
  });

  test("that has run out is never renewed, and frees the database for a job", async () => {
    await fill();
    const { rest } = await begin((await open()).body);
    vi.setSystemTime(Date.now() + STREAM_LEASE_MS + 1_000);
    const { jobId } = await startExport();
    expect((await ended(jobId)).status).toBe("completed");
    await expect(rest()).rejects.toMatchObject({ code: "stream-expired" });
    await nothingLeft();
  });
});

describe("a stream that does not come to its end", () => {
  test("leaves nothing behind where the client leaves", async () => {
    await fill();
    const { reader } = await begin((await open()).body);
    expect(await snapshotObjects()).not.toEqual([]);
    await reader.cancel();
    expect([await snapshotObjects(), await streams()]).toEqual([[], []]);
  });

  test("is broken off where the schema changes, also behind its last page", async () => {
    await fill();
    const { rest } = await begin((await open()).body);
    await query("CREATE TABLE later(a)");
    await expect(rest()).rejects.toMatchObject({ code: "schema-changed" });
    await nothingLeft();
  });

  test("is broken off where its snapshot is lost", async () => {
    await fill();
    const { rest } = await begin((await open()).body);
    const objects = await snapshotObjects();
    const trigger = objects.find(({ name }) => name.endsWith("_before_delete"));
    await query(`DROP TRIGGER "${trigger?.name}"`);
    await expect(rest()).rejects.toMatchObject({ code: "snapshot-lost" });
    await nothingLeft();
  });

  test("is ended where the client takes nothing for two minutes", async () => {
    await fill();
    const { body } = await open();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const { reader } = await begin(body);
      const closed = expect(reader.closed).rejects.toMatchObject({ code: "stream-expired" });
      vi.advanceTimersByTime(STREAM_STALL_MS);
      await closed;
    } finally {
      vi.useRealTimers();
    }
    await nothingLeft();
  });

  test("is ended by DELETE of its id, and the lock is free at once", async () => {
    await fill();
    const { rest } = await begin((await open()).body);
    const [row] = (await streams()) as { stream_id: string }[];
    const path = `/export/dump/${row?.stream_id}`;
    expect((await api(path, { method: "DELETE" })).status).toBe(204);
    const { jobId } = await startExport();
    await expect(rest()).rejects.toMatchObject({
      code: expect.stringMatching(/^(snapshot-lost|stream-expired)$/),
    });
    expect((await ended(jobId)).status).toBe("completed");
    await nothingLeft();
  });

  test("whose isolate died is found by the watchdog, once its lease has run out", async () => {
    await fill();
    const { reader, rest } = await begin((await open()).body);
    const [row] = (await streams()) as { stream_id: string }[];
    const alarm = () => runDurableObjectAlarm(jobs());
    await alarm();
    expect(await snapshotObjects()).not.toEqual([]);
    await using workflows = await introspectWorkflow(env.EXPORT_WORKFLOW);
    await runInDurableObject(jobs(), (_, { storage }) => {
      storage.sql.exec("UPDATE tmp_export_streams SET lease_until_ms = 1");
      return storage.setAlarm(Date.now() + 3_600_000);
    });
    await alarm();
    await nothingLeft();
    const [instance] = await workflows.get();
    expect(await instance?.waitForStepResult({ name: "close snapshot" })).toEqual({
      closed: (row as unknown as { snapshot_id: string }).snapshot_id,
      tablesLeft: 0,
    });
    // Should it live on in spite of that, its client gets no file that looks whole.
    await expect(rest()).rejects.toMatchObject({ code: "snapshot-lost" });
    await reader.cancel().catch(() => {});
  });
});
