import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, test } from "vitest";

import type { ManifestV2 } from "../../../src/api/manifest.ts";
import { planManifestDump } from "../../../src/formats/plan-manifest-dump.ts";
import { COMPARE_START, comparePieces } from "../../../src/workflows/restore/compare-pieces.ts";
import { VERSION } from "../../../src/api/version.ts";
import { planSqlDump } from "../../../src/formats/sql/sql-plan.ts";
import { SqlEncoder } from "../../../src/formats/sql/sql-encoder.ts";
import { concatBytes } from "../../../src/lib/bytes.ts";
import { CURSOR_START } from "../../../src/rpc/cursor.ts";
import { readDump } from "../../../src/reading/dump-reader.ts";
import { openSource } from "../../../src/databases/open-source.ts";
import { closeSnapshot } from "../../../src/reading/snapshot/close-snapshot.ts";
import { openSnapshot } from "../../../src/reading/snapshot/open-snapshot.ts";
import { SnapshotReader } from "../../../src/reading/snapshot/snapshot-reader.ts";
import { api, download, ended, startExport } from "../../support/api.ts";
import { splitStatements } from "../../support/sql-statements.ts";

const { SHOP_DB: d1 } = env as unknown as { SHOP_DB: D1Database };
const SOURCE = {
  type: "durable-object",
  binding: "DATABASE_DURABLE_OBJECT",
  names: "any",
} as const;

function inObject<T>(name: string, work: (storage: DurableObjectStorage) => T | Promise<T>) {
  const stub = env.DATABASE_DURABLE_OBJECT.getByName(name);
  return runInDurableObject(stub, (_, state) => work(state.storage));
}

function entriesOf(name: string): Promise<[string, unknown][]> {
  return inObject(name, (storage) => [...storage.kv.list()]);
}

/** Loads a dump as `POST /query` does, a statement a query. */
async function load(name: string, dump: Uint8Array): Promise<void> {
  const statements = splitStatements(new TextDecoder().decode(dump));
  const database = env.DATABASE_DURABLE_OBJECT.getByName(name);
  for (const sql of statements) await database.executeTransaction([{ sql }], false);
}

async function tablesOf(name: string): Promise<unknown[]> {
  return inObject(name, ({ sql }) =>
    sql.exec("SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_%' ESCAPE '\\'").toArray(),
  );
}

beforeAll(async () => {
  await inObject("kv", async (storage) => {
    storage.sql.exec("CREATE TABLE t(a); INSERT INTO t VALUES (1)");
    const cyclic: Record<string, unknown> = { at: new Date(5), big: 2n ** 70n, nothing: undefined };
    cyclic["self"] = cyclic;
    await storage.put({ version: 7, cyclic, map: new Map([[{ a: 1 }, new Set(["b"])]]) });
    storage.kv.put("it's\0\u{1f600}", new Float32Array([1.5, -0]));
    storage.kv.put(
      "large",
      new Uint8Array(300_000).map((_, at) => at * 7),
    );
    storage.kv.put("", "empty key; '");
  });
});

describe("the key-value storage of a withExport class", () => {
  test("is exported by a job and restored into another object", async () => {
    const { jobId } = await startExport({ source: "tenants", name: "kv" });
    const view = await ended(jobId);
    expect(view).toMatchObject({ status: "completed", warnings: [] });
    expect(view.tables.map(({ name }) => name)).toEqual(["t"]);
    await load("kv-copy", await download(jobId));
    expect(await entriesOf("kv-copy")).toEqual(await entriesOf("kv"));
    const cyclic = new Map(await entriesOf("kv-copy")).get("cyclic") as { self: unknown };
    expect(cyclic.self).toBe(cyclic);
    expect(await tablesOf("kv-copy")).toEqual([{ name: "t" }]);
    expect(await tablesOf("kv")).toEqual([{ name: "t" }]);
  });

  test("is restored by POST /query", async () => {
    const { jobId } = await startExport({ source: "tenants", name: "kv" });
    await ended(jobId);
    const dump = new TextDecoder().decode(await download(jobId));
    const transaction = splitStatements(dump)
      .filter((sql) => sql.includes("durable-export: key-values"))
      .map((sql) => ({ sql }));
    const body = JSON.stringify({ transaction });
    expect((await api("/query", { method: "POST", body })).status).toBe(200);
    const embedded = "sql-durable-object";
    expect(await entriesOf(embedded)).toEqual(await entriesOf("kv"));
    await inObject(embedded, (storage) =>
      storage.delete([...storage.kv.list()].map(([key]) => key)),
    );
  });

  test("counts among the rows of a job that has no table", async () => {
    await inObject("kv-alone", async (storage) => storage.put({ a: 1, b: 2, c: 3 }));
    const view = await ended((await startExport({ source: "tenants", name: "kv-alone" })).jobId);
    expect(view).toMatchObject({ status: "completed", tables: [], progress: { rows: 3 } });
  });

  test("is part of a streamed dump", async () => {
    const response = await api("/export/dump?source=tenants&name=kv");
    const dump = new Uint8Array(await response.arrayBuffer());
    await load("kv-streamed", dump);
    expect(await entriesOf("kv-streamed")).toEqual(await entriesOf("kv"));
  });

  test("is compared with its dump after a restore, and leaves no copy", async () => {
    const { jobId } = await startExport({ source: "tenants", name: "kv" });
    await ended(jobId);
    const manifest = await (await api(`/export/dump/${jobId}/manifest`)).json<ManifestV2>();
    await load("kv-compared", await download(jobId));
    const compare = () =>
      comparePieces(openSource(env, SOURCE, { name: "kv-compared" }), {
        manifest,
        artifact: 0,
        planDump: (catalog) => planManifestDump(manifest, catalog),
        from: COMPARE_START,
        textBytesMax: 1e9,
        beat: async () => {},
      });
    expect(await compare()).toMatchObject({ next: null, difference: null });
    await inObject("kv-compared", ({ kv }) => kv.put("later", "entry"));
    expect((await compare()).difference).not.toBeNull();
    expect(await tablesOf("kv-compared")).toEqual([{ name: "t" }]);
  });

  test("is from the instant of the snapshot, while its writers continue", async () => {
    await inObject("kv-busy", ({ kv, sql }) => {
      sql.exec("CREATE TABLE t(a); INSERT INTO t VALUES (1)");
      kv.put("a", "before");
      kv.put("b", "before");
    });
    const source = openSource(env, SOURCE, { name: "kv-busy" });
    const createEncoder = (...of: ConstructorParameters<typeof SqlEncoder>) =>
      new SqlEncoder(...of);
    const opened = await openSnapshot(source, {
      snapshotId: crypto.randomUUID(),
      jobId: "job",
      undoBytesMax: 1e9,
      planDump: (catalog) => ({
        plan: planSqlDump({ catalog, source: "main", content: "all", version: VERSION }),
        createEncoder,
      }),
      isLeftover: () => false,
    });
    await inObject("kv-busy", ({ kv }) => {
      kv.put("a", "after");
      kv.delete("b");
      kv.put("c", "after");
    });
    const reader = new SnapshotReader(source, opened.record, { undoBytesMax: 1e9 });
    const { plan } = opened;
    const pieces: Uint8Array[] = [];
    for await (const piece of readDump({ reader, plan, createEncoder, cursor: CURSOR_START })) {
      pieces.push(...piece.bytes.map((bytes) => bytes.slice()));
    }
    await closeSnapshot(source, opened.record.snapshotId);
    await load("kv-before", concatBytes(pieces));
    expect(await entriesOf("kv-before")).toEqual([
      ["a", "before"],
      ["b", "before"],
    ]);
  });

  test("is ignored by D1 and leaves nothing there", async () => {
    const { jobId } = await startExport({ source: "tenants", name: "kv" });
    await ended(jobId);
    const statements = splitStatements(new TextDecoder().decode(await download(jobId)));
    for (const sql of statements) {
      expect(sql.length).toBeLessThan(100_000);
      await d1.prepare(sql).run();
    }
    const { results } = await d1
      .prepare("SELECT name FROM pragma_table_list WHERE name = 't' OR name LIKE 'tmp%'")
      .all();
    expect(results).toEqual([{ name: "t" }]);
  });

  test("is left out with a warning if it is too large for one turn", async () => {
    await inObject("kv-huge", ({ kv }) => {
      for (let n = 0; n < 9; n += 1) kv.put(`k${n}`, new Uint8Array(2_000_000));
    });
    const { jobId } = await startExport({ source: "tenants", name: "kv-huge" });
    expect((await ended(jobId)).warnings).toEqual([
      "the object's key-value storage is not part of this dump: it is larger than 16777216 bytes, which is what one turn copies",
    ]);
    expect(new TextDecoder().decode(await download(jobId))).not.toContain("key-values");
  });

  test("is exported without the values that no dump can contain, with a warning", async () => {
    await inObject("kv-odd", ({ kv }) => {
      kv.put("a", 1);
      kv.put("page", new Blob(["x"]));
    });
    const { jobId } = await startExport({ source: "tenants", name: "kv-odd" });
    expect((await ended(jobId)).warnings).toEqual([
      `entries of the object's key-value storage are left out, since their values are of types that no dump can contain: "page"`,
    ]);
    await load("kv-odd-copy", await download(jobId));
    expect(await entriesOf("kv-odd-copy")).toEqual([["a", 1]]);
  });

  test.each([
    [{ consistency: "live" }, "only exports with a snapshot contain it"],
    [{ format: "csv" }, "only SQL dumps contain it"],
  ])("is left out with a warning by %j", async (request, reason) => {
    const { jobId } = await startExport({ source: "tenants", name: "kv", ...request });
    expect(await ended(jobId)).toMatchObject({
      status: "completed",
      warnings: [`the object's key-value storage (_cf_KV) is not part of this dump: ${reason}`],
    });
  });

  test("is left out by a filter as a table is", async () => {
    const tables = { exclude: ["_cf_KV"] };
    const { jobId } = await startExport({ source: "tenants", name: "kv", tables });
    expect((await ended(jobId)).warnings).toEqual([]);
    expect(new TextDecoder().decode(await download(jobId))).not.toContain("key-values");
  });

  test("is not missed if the object has none", async () => {
    await inObject("kv-none", ({ sql }) => void sql.exec("CREATE TABLE t(a)"));
    const { jobId } = await startExport({ source: "tenants", name: "kv-none" });
    expect((await ended(jobId)).warnings).toEqual([]);
  });
});
