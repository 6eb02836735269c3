import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { gzipSync, zstdCompressSync } from "node:zlib";

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { comparisonOf } from "../test/support/check-exactness.ts";
import { compareDatabases } from "../test/support/compare-databases.ts";
import { dumpDatabase } from "../test/support/dump-database.ts";
import { FakeExportServer, type FakeOptions } from "../test/support/fake-export-server.ts";
import { nodeSqliteSource, openPlatformDatabase } from "../test/support/node-sqlite-source.ts";
import { type CliResult, runCli } from "../test/support/run-cli.ts";
import { TRAPS } from "../test/support/traps.ts";

const DUMP = "CREATE TABLE t(a);\nINSERT INTO t VALUES(1),('x;''y'),(X'00ff');\n";

let server: FakeExportServer;
let folder: string;
let path: string;

beforeEach(async () => {
  server = await FakeExportServer.start({ artifacts: { "dump.sql": Buffer.from(DUMP) } });
  folder = mkdtempSync(join(tmpdir(), "cli-sqlite-output-"));
  path = join(folder, "app.sqlite");
});
afterEach(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

async function restart(
  dump: string | Uint8Array,
  options: Partial<FakeOptions> = {},
): Promise<void> {
  await server.stop();
  const artifacts = { "dump.sql": Buffer.from(dump) };
  server = await FakeExportServer.start({ artifacts, ...options });
}

function dump(...args: string[]): Promise<CliResult> {
  return runCli(["dump", "-o", path, ...args], server);
}

function open(file = path): DatabaseSync {
  return new DatabaseSync(file, { readOnly: true, enableDoubleQuotedStringLiterals: true });
}

function rowsOf(file = path): unknown[] {
  const db = open(file);
  const rows = db.prepare("SELECT typeof(a) || ' ' || hex(a) AS a FROM t ORDER BY rowid").all();
  db.close();
  return rows.map(({ a }) => a);
}

const ROWS = ["integer 31", "text 783B2779", "blob 00FF"];

describe("dump -o app.sqlite", () => {
  test("makes an SQLite file of the dump, checks it, and leaves nothing else", async () => {
    const { exitCode, stderr } = await dump();
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(
      /app\.sqlite: [\d.]+ kB, 3 rows, verified, SQLite's integrity check passed$/,
    );
    expect(rowsOf()).toEqual(ROWS);
    expect(readdirSync(folder)).toEqual(["app.sqlite"]);
  });

  test.each(["app.db", "app.sqlite3", "APP.SQLITE"])("knows the name %s", async (name) => {
    path = join(folder, "new", name);
    expect((await dump()).exitCode).toBe(0);
    expect(rowsOf()).toEqual(ROWS);
  });

  test.each([
    ["gzip", gzipSync],
    ["zstd", zstdCompressSync],
  ])("unpacks a dump compressed by %s", async (compression, pack) => {
    await restart(pack(Buffer.from(DUMP)));
    expect((await dump("--compression", compression)).exitCode).toBe(0);
    expect(rowsOf()).toEqual(ROWS);
  });

  test("prints the path with --quiet, and JSON without a manifest's path", async () => {
    expect((await dump("-q")).stdout).toBe(`${path}\n`);
    const { stdout } = await dump("--json");
    expect(JSON.parse(stdout)).toMatchObject({
      path,
      sqlite: true,
      manifestPath: null,
      sha256: null,
      bytes: readFileSync(path).length,
      rows: 3,
      files: [{ name: "dump.sql", path: null, bytes: DUMP.length }],
    });
  });

  test("replaces a file that exists only by a complete one", async () => {
    writeFileSync(path, "yesterday");
    await restart(`${DUMP}INSERT INTO missing VALUES(1);`);
    const failed = await dump();
    expect(failed.exitCode).toBe(1);
    expect(failed.stderr).toContain("no such table: missing");
    expect(readFileSync(path, "utf8")).toBe("yesterday");
    expect(readdirSync(folder).sort()).toEqual(["app.sqlite", "app.sqlite.part.json"]);
    await restart(DUMP);
    expect((await dump()).exitCode).toBe(0);
    expect(rowsOf()).toEqual(ROWS);
  });

  test("fails if a table has other rows than the manifest", async () => {
    await restart(DUMP, { tables: [{ name: "t", rows: 4, bytes: 60 }] });
    const { exitCode, stderr } = await dump();
    expect(exitCode).toBe(1);
    expect(stderr).toContain('table "t" has 3 rows after the restore');
    expect(existsSync(path)).toBe(false);
  });

  test("reports a full disk as such, and keeps the dump for another attempt", async () => {
    await restart(`PRAGMA max_page_count = 2;${DUMP}INSERT INTO t VALUES(zeroblob(20000));`);
    const { exitCode, stdout } = await dump("--json");
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: "disk-full" } });
    expect(readdirSync(folder).sort()).toEqual(["app.sqlite.dump", "app.sqlite.part.json"]);
  });

  test("removes the unfinished file after Ctrl-C, and the same command ends the work", async () => {
    const many = Array.from({ length: 2_000 }, (_, at) => `(${at},'${"x".repeat(1_000)}')`);
    const script = `CREATE TABLE t(a, b);\n${many.map((row) => `INSERT INTO t VALUES${row};`).join("\n")}\n`;
    await restart(script, { tables: [{ name: "t", rows: 2_000, bytes: 1 }] });
    const interrupt = new AbortController();
    const args = ["dump", "-o", path];
    const stopped = await runCli(args, {
      url: server.url,
      isTerminal: true,
      interrupt: interrupt.signal,
      onStderr: (text) => {
        if (text.includes("restoring")) interrupt.abort();
      },
    });
    expect(stopped.exitCode).toBe(130);
    expect(readdirSync(folder).sort()).toEqual(["app.sqlite.dump", "app.sqlite.part.json"]);
    expect((await dump()).exitCode).toBe(0);
    expect(server.jobs).toHaveLength(1);
    expect(
      server.requestsTo("GET").filter(({ path: url }) => url.includes("download")),
    ).toHaveLength(1);
    expect(rowsOf()).toHaveLength(2_000);
    expect(readdirSync(folder)).toEqual(["app.sqlite"]);
  });

  test.each(["-wal", "-journal"])(
    "leaves a file alone whose %s another program has or left",
    async (suffix) => {
      writeFileSync(path, "yesterday");
      writeFileSync(path + suffix, "");
      const { exitCode, stderr } = await dump();
      expect(exitCode).toBe(1);
      expect(stderr).toContain(`${path} is open in another program`);
      expect(stderr).toContain(`${path}${suffix} exists. Close that program`);
      expect(server.jobs).toEqual([]);
      expect(readFileSync(path, "utf8")).toBe("yesterday");
    },
  );

  test.each([
    ["another format", ["--format", "csv"], "needs an SQL dump, but this is csv"],
    ["a sealed dump", ["--encrypt", "all"], "not sealed by age"],
    ["a dump without the schema", ["--content", "data"], "needs the schema"],
  ])("refuses %s before an export starts", async (_what, args, words) => {
    const { exitCode, stderr } = await dump(...args);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(words);
    expect(server.jobs).toEqual([]);
  });

  test("warns about rows that violate a rule, as the source's do", async () => {
    await restart("CREATE TABLE t(a CHECK(a > 0), p REFERENCES t(a));INSERT INTO t VALUES(-1,7);", {
      tables: [{ name: "t", rows: 1, bytes: 1 }],
    });
    const { exitCode, stderr } = await dump();
    expect(exitCode).toBe(0);
    expect(stderr).toContain('warning: rows of "t" violate a CHECK, as in the source');
  });
});

test("download -o app.sqlite makes an SQLite file of an existing export", async () => {
  const { stdout } = await runCli(["start"], server);
  const jobId = stdout.trim();
  expect((await runCli(["wait", jobId], server)).exitCode).toBe(0);
  const { exitCode } = await runCli(["download", jobId, "-o", path], server);
  expect(exitCode).toBe(0);
  expect(rowsOf()).toEqual(ROWS);
  expect(readdirSync(folder)).toEqual(["app.sqlite"]);
});

test("download -o app.sqlite refuses an export of several files", async () => {
  await server.stop();
  const artifacts = { "a.csv": Buffer.from("1\n"), "b.csv": Buffer.from("2\n") };
  server = await FakeExportServer.start({ artifacts, format: "csv" });
  const { stdout } = await runCli(["start"], server);
  await runCli(["wait", stdout.trim()], server);
  const { exitCode, stderr } = await runCli(["download", stdout.trim(), "-o", path], server);
  expect(exitCode).toBe(2);
  expect(stderr).toContain("needs an SQL dump, but this is csv");
  expect(readdirSync(folder)).toEqual([]);
});

describe("the SQLite file is an exact copy", () => {
  test.each(TRAPS)("$title", async (trap) => {
    const source = openPlatformDatabase();
    for (const statement of trap.script) source.exec(statement);
    const whole = await dumpDatabase(nodeSqliteSource(source));
    await restart(whole.bytes, { tables: [] });
    expect(await dump()).toMatchObject({ exitCode: 0 });
    const copy = open();
    const differences = compareDatabases(source, copy, comparisonOf(whole));
    expect(differences.filter((each) => trap.differs?.test(each) !== true)).toEqual([]);
    copy.close();
  });
});
