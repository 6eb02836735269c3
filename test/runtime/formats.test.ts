import { introspectWorkflow } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, expect, test } from "vitest";

import { PART_BYTES_MIN } from "../../src/api/limits.ts";
import type { Manifest } from "../../src/api/manifest.ts";
import { api, emptyDatabase, ended, query, sha256Of, startExport } from "../support/api.ts";

beforeEach(emptyDatabase);

async function fileOf(jobId: string, artifact: string): Promise<Uint8Array> {
  const path = `/export/dump/${jobId}/download/${encodeURIComponent(artifact)}`;
  return new Uint8Array(await (await api(path)).arrayBuffer());
}

const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

test("writes a file a table, each with its type, its hash and the table it is of", async () => {
  await query(
    "CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT, b BLOB, r)",
    `INSERT INTO users VALUES (9007199254740993, 'O"Hara', X'00FF', -0.0), (1, NULL, NULL, 1e300)`,
    'CREATE TABLE "order/lines"(a)',
    "CREATE TABLE sqlite(a)",
    "INSERT INTO sqlite VALUES (CAST(X'6100FF' AS TEXT))",
  );
  const expected = {
    csv: [
      '"id","name","b","r"\r\n1,,,1.0e+300\r\n9007199254740993,"O""Hara","00FF",-0.0\r\n',
      '"a"\r\n',
      '"a"\r\n"a\0\uFFFD"\r\n',
    ],
    json: [
      '[\n{"id":1,"name":null,"b":null,"r":1.0e+300},\n{"id":9007199254740993,"name":"O\\"Hara","b":"00FF","r":-0.0}\n]\n',
      "[]\n",
      '[\n{"a":"a\\u0000\uFFFD"}\n]\n',
    ],
    ndjson: [
      '{"id":1,"name":null,"b":null,"r":1.0e+300}\n{"id":9007199254740993,"name":"O\\"Hara","b":"00FF","r":-0.0}\n',
      "",
      '{"a":"a\\u0000\uFFFD"}\n',
    ],
  };
  for (const [format, texts] of Object.entries(expected)) {
    const view = await ended((await startExport({ format })).jobId);
    expect(view).toMatchObject({
      status: "completed",
      format,
      progress: { tablesDone: 3, tablesTotal: 3, rows: 3 },
      artifacts: [
        { name: `users.${format}`, table: "users" },
        { name: `order%2Flines.${format}`, table: "order/lines" },
        { name: `sqlite.${format}`, table: "sqlite" },
      ],
      warnings: [
        'table "sqlite" has text that is not valid UTF-8: U+FFFD was written 1 times in its place',
      ],
    });
    for (const [at, text] of texts.entries()) {
      const artifact = view.artifacts[at];
      const bytes = await fileOf(view.jobId, artifact?.name ?? "");
      expect(textOf(bytes)).toBe(text);
      expect(artifact).toMatchObject({ bytes: bytes.length, sha256: await sha256Of(bytes) });
    }
    const manifest = await (await api(`/export/dump/${view.jobId}/manifest`)).json<Manifest>();
    expect(manifest.artifacts.map(({ table }) => table)).toEqual([
      "users",
      "order/lines",
      "sqlite",
    ]);
    expect(manifest.warnings).toEqual(view.warnings);
  }
});

test("writes hundreds of small tables in a few steps, a put each", async () => {
  const names = Array.from({ length: 300 }, (_, n) => `t${n}`);
  await query(
    ...names.map((name) => `CREATE TABLE ${name}(id INTEGER PRIMARY KEY, v TEXT)`),
    ...names.map((name, n) => `INSERT INTO ${name} VALUES (${n}, 'v${n}')`),
  );
  const view = await ended((await startExport({ format: "ndjson" })).jobId);
  expect(view).toMatchObject({ status: "completed", progress: { tablesDone: 300, rows: 300 } });
  expect(view.artifacts).toHaveLength(300);
  expect(view.usage.steps).toBeLessThan(10);
  expect(view.usage.r2ClassAOperations).toBe(301);
  expect(textOf(await fileOf(view.jobId, "t299.ndjson"))).toBe('{"id":299,"v":"v299"}\n');
});

test("writes a table of several parts between small ones", async () => {
  await query(
    "CREATE TABLE a(x)",
    "INSERT INTO a VALUES (1)",
    "CREATE TABLE b(id INTEGER PRIMARY KEY, x BLOB)",
    `INSERT INTO b WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500)
     SELECT i, randomblob(8000) FROM n`,
    "CREATE TABLE c(x)",
    "INSERT INTO c VALUES (2)",
  );
  await using introspector = await introspectWorkflow(env.EXPORT_WORKFLOW);
  const view = await ended((await startExport({ format: "json" })).jobId);
  const [instance] = await introspector.get();
  expect(await instance?.waitForStepResult({ name: "open artifact b.json" })).toBeDefined();
  expect(view).toMatchObject({ status: "completed", progress: { rows: 1502 } });
  const big = await fileOf(view.jobId, "b.json");
  expect(big.length).toBeGreaterThan(2 * PART_BYTES_MIN);
  expect(JSON.parse(textOf(big))).toHaveLength(1500);
  expect(await sha256Of(big)).toBe(view.artifacts[1]?.sha256);
  expect(textOf(await fileOf(view.jobId, "a.json"))).toBe('[\n{"x":1}\n]\n');
  expect(textOf(await fileOf(view.jobId, "c.json"))).toBe('[\n{"x":2}\n]\n');
});

test("completes with no file where there is no table", async () => {
  const view = await ended((await startExport({ format: "csv" })).jobId);
  expect(view).toMatchObject({ status: "completed", artifacts: [], tables: [] });
});

test("refuses a schema in a format that holds rows alone", async () => {
  const response = await api("/export/dump", {
    method: "POST",
    body: JSON.stringify({ format: "csv", content: "schema" }),
  });
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({
    code: "invalid-request",
    detail: expect.stringContaining("csv contains only rows"),
    issues: [{ path: "content", message: expect.stringContaining("csv contains only rows") }],
  });
});
