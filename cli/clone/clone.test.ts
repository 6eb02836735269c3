import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { afterEach, beforeEach, expect, test } from "vitest";

import { FakeExportServer } from "../../test/support/fake-export-server.ts";
import { type CliResult, runCli } from "../../test/support/run-cli.ts";
import { localIdFromName } from "./local-object-id.ts";

const DUMP = "CREATE TABLE t(a);\nINSERT INTO t VALUES(1),('x;''y'),(X'00ff');\n";
const KEY = "app-Database";

let server: FakeExportServer;
let folder: string;
let path: string;

beforeEach(async () => {
  server = await FakeExportServer.start({ artifacts: { "dump.sql": Buffer.from(DUMP) } });
  folder = mkdtempSync(join(tmpdir(), "cli-clone-"));
  const bindings = [{ name: "DATABASE_DURABLE_OBJECT", class_name: "Database" }];
  const config = { name: "app", compatibility_date: "2026-11-01", durable_objects: { bindings } };
  writeFileSync(join(folder, "wrangler.json"), JSON.stringify(config));
  const file = `${localIdFromName(KEY, "sql-durable-object")}.sqlite`;
  path = join(folder, ".wrangler/state/v3/do", KEY, file);
});
afterEach(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

function clone(...args: string[]): Promise<CliResult> {
  return runCli(["clone", "--to-local", folder, ...args], server);
}

/** Makes a database as the local runtime leaves it: in WAL mode, with a table of the runtime. */
function makeLocal(sql: string): DatabaseSync {
  mkdirSync(dirname(path), { recursive: true });
  const db = new DatabaseSync(path);
  db.exec("PRAGMA journal_mode = WAL; CREATE TABLE __miniflare_do_name (id INTEGER, name TEXT)");
  db.exec(`CREATE TABLE _cf_KV (key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID; ${sql}`);
  return db;
}

function rows(): unknown[] {
  const db = new DatabaseSync(path, { readOnly: true });
  const found = db.prepare("SELECT typeof(a) || ' ' || hex(a) AS a FROM t ORDER BY rowid").all();
  db.close();
  return found.map(({ a }) => a);
}

const ROWS = ["integer 31", "text 783B2779", "blob 00FF"];

test("puts a copy where wrangler dev expects the database, and leaves nothing else", async () => {
  const { exitCode, stderr } = await clone();
  expect(exitCode).toBe(0);
  expect(stderr).toContain(
    `${path}: 3 rows of main, verified; wrangler dev opens it as object sql-durable-object of DATABASE_DURABLE_OBJECT`,
  );
  expect(rows()).toEqual(ROWS);
  expect(readdirSync(dirname(path))).toEqual([basename(path)]);
});

test("requests the masks, the tables, the object and the consistency", async () => {
  const args = ["--mask", "t.a=length", "--table", "t", "--object-name", "acme"];
  args.push("--consistency", "snapshot");
  expect((await clone(...args, "--to-object", "sql-durable-object")).exitCode).toBe(0);
  expect(server.jobs[0]?.request).toMatchObject({
    source: "main",
    name: "acme",
    mask: { t: { a: "length" } },
    tables: { include: ["t"] },
    consistency: "snapshot",
  });
  expect(rows()).toEqual(ROWS);
});

test("prints the file with --quiet, and the database with --json", async () => {
  expect((await clone("-q")).stdout).toBe(`${path}\n`);
  const { stdout } = await clone("--replace", "--json");
  expect(JSON.parse(stdout)).toMatchObject({
    rows: 3,
    local: {
      binding: "DATABASE_DURABLE_OBJECT",
      kind: "durable-object",
      object: "sql-durable-object",
      config: join(folder, "wrangler.json"),
      path,
    },
  });
});

test("fills a database that contains only tables of the runtime", async () => {
  makeLocal("").close();
  expect((await clone()).exitCode).toBe(0);
  expect(rows()).toEqual(ROWS);
});

test.each([
  ["a table", "CREATE TABLE mine(a)", "table mine"],
  ["key-value entries", "INSERT INTO _cf_KV VALUES ('k', x'00')", "key-value entries"],
])("refuses a database with %s before an export starts", async (_what, sql, words) => {
  makeLocal(sql).close();
  const { exitCode, stderr } = await clone();
  expect(exitCode).toBe(2);
  expect(stderr).toContain(`is not empty: it contains ${words}. Add --replace`);
  expect(server.jobs).toEqual([]);
});

test("replaces a database and its write-ahead log with --replace", async () => {
  const db = makeLocal("CREATE TABLE mine(a); INSERT INTO mine VALUES (1)");
  const log = `${path}-wal`;
  expect(existsSync(log)).toBe(true);
  db.close();
  expect((await clone("--replace")).exitCode).toBe(0);
  expect(rows()).toEqual(ROWS);
  expect(existsSync(log)).toBe(false);
});

test("refuses a database that another program has open, and leaves it as it is", async () => {
  const db = makeLocal("CREATE TABLE mine(a); INSERT INTO mine VALUES (1)");
  const { exitCode, stderr } = await clone("--replace");
  expect(exitCode).toBe(1);
  expect(stderr).toContain(
    "the local object sql-durable-object of DATABASE_DURABLE_OBJECT is open in another program, probably in a running `wrangler dev`",
  );
  // The fake server is on this machine, so it might be the same Worker.
  expect(stderr).toContain("Stop that `wrangler dev`");
  expect(stderr).toContain(`If it is the Worker at ${new URL(server.url).host} itself`);
  expect(server.jobs).toEqual([]);
  expect(db.prepare("SELECT a FROM mine").all()).toMatchObject([{ a: 1 }]);
  db.close();
});

test("says what to stop if wrangler dev opens the database meanwhile, and then resumes", async () => {
  let db: DatabaseSync | undefined;
  const { exitCode, stderr } = await runCli(["clone", "--to-local", folder], {
    url: server.url,
    isTerminal: true,
    onStderr: (text) => {
      if (text.includes("restoring")) db ??= makeLocal("");
    },
  });
  db?.close();
  expect(exitCode).toBe(1);
  expect(stderr).toContain("probably in a running `wrangler dev`");
  expect(stderr).not.toContain("-wal");
  expect((await clone()).exitCode).toBe(0);
  expect(server.jobs).toHaveLength(1);
  expect(rows()).toEqual(ROWS);
});

test("refuses a file that is no database, even with --replace", async () => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, "not a database ".repeat(100));
  const { exitCode, stderr } = await clone("--replace");
  expect(exitCode).toBe(1);
  expect(stderr).toContain(`${path} cannot be read: file is not a database`);
});

test.each(["exporting", "downloading", "restoring"])(
  "leaves only the old database after Ctrl-C while %s",
  async (stage) => {
    makeLocal("CREATE TABLE t(a); INSERT INTO t VALUES (7)").close();
    const interrupt = new AbortController();
    const { exitCode } = await runCli(["clone", "--to-local", folder, "--replace"], {
      url: server.url,
      isTerminal: true,
      interrupt: interrupt.signal,
      onStderr: (text) => {
        if (text.includes(stage)) interrupt.abort();
      },
    });
    expect(exitCode).toBe(130);
    expect(readdirSync(dirname(path))).toEqual([basename(path)]);
    expect(rows()).toEqual(["integer 37"]);
  },
);

test("resumes after the connection was lost", async () => {
  const cut = (_request: unknown, response: ServerResponse): boolean => {
    response.destroy();
    return true;
  };
  server.intercept("/download", cut, 1);
  expect((await clone("--retries", "0")).exitCode).not.toBe(0);
  expect(existsSync(`${path}.part.json`)).toBe(true);
  expect((await clone()).exitCode).toBe(0);
  expect(server.jobs).toHaveLength(1);
  expect(readdirSync(dirname(path))).toEqual([basename(path)]);
});

test("refuses a source that the Worker does not have", async () => {
  const { exitCode, stderr } = await clone("--from", "missing");
  expect(exitCode).toBe(2);
  expect(stderr).toContain('there is no source "missing". Choose one with --from: main.');
});

test("needs --to-local", async () => {
  const { exitCode, stderr } = await runCli(["clone"], server);
  expect(exitCode).toBe(2);
  expect(stderr).toContain("--to-local");
});
