import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { zstdDecompressSync } from "node:zlib";

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { dumpDatabase } from "../test/support/dump-database.ts";
import { nodeSqliteSource, openPlatformDatabase } from "../test/support/node-sqlite-source.ts";
import { restoreScript } from "../test/support/restore-dump.ts";
import { sha256Of } from "../test/support/fake-export-server.ts";
import { TRAPS } from "../test/support/traps.ts";
import { dumpDatabaseFile, type FileDump } from "./dump-database.ts";

let folder: string;
let path: string;
let output: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "cli-dump-database-"));
  path = join(folder, "app.sqlite");
  output = join(folder, "dump");
});
afterEach(() => rmSync(folder, { recursive: true }));

async function dump(): Promise<{ found: FileDump; text: Buffer }> {
  const signal = new AbortController().signal;
  const found = await dumpDatabaseFile(path, output, { signal, onText: () => undefined });
  return { found, text: zstdDecompressSync(readFileSync(output)) };
}

function make(...statements: string[]): void {
  const db = new DatabaseSync(path);
  for (const statement of statements) db.exec(statement);
  db.close();
}

describe("the dump of a file is the Worker's", () => {
  test.each(TRAPS)("$title", async (trap) => {
    const db = openPlatformDatabase(path);
    db.exec("PRAGMA synchronous = OFF");
    for (const statement of trap.script) db.exec(statement);
    const expected = await dumpDatabase(nodeSqliteSource(db));
    db.close();
    const { text } = await dump();
    expect(text.equals(Buffer.from(expected.bytes))).toBe(true);
  });
});

test("reports the size and hash of the file, and makes the same bytes again", async () => {
  make("CREATE TABLE t(a)", "INSERT INTO t VALUES(1),(2),(3)");
  const { found, text } = await dump();
  const file = readFileSync(output);
  expect(found).toMatchObject({
    bytes: file.length,
    sha256: sha256Of(file),
    textBytes: text.length,
    rows: 3,
  });
  expect((await dump()).found.sha256).toBe(found.sha256);
});

test("contains the rows that only the WAL has", async () => {
  const script = `const db = new (require("node:sqlite").DatabaseSync)(${JSON.stringify(path)});
    db.exec("PRAGMA journal_mode = WAL; CREATE TABLE t(a); INSERT INTO t VALUES('late')");
    process.kill(process.pid, "SIGKILL");`;
  expect(spawnSync(process.execPath, ["-e", script]).signal).toBe("SIGKILL");
  const { found, text } = await dump();
  expect(text.toString()).toContain("'late'");
  expect(found.warnings.join()).toContain("app.sqlite-wal contains");
});

test("reads long rows in pages that memory can hold", async () => {
  make(
    "CREATE TABLE t(id INTEGER PRIMARY KEY, b)",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40) INSERT INTO t SELECT i, zeroblob(900000) FROM n",
  );
  const { found, text } = await dump();
  expect(found.rows).toBe(40);
  const lengths = restoreScript(text).prepare("SELECT sum(length(b)) AS n FROM t").get();
  expect(lengths).toEqual({ n: 36_000_000 });
});

test.each([
  [
    "a value that no target can store",
    ["CREATE TABLE t(b)", "INSERT INTO t VALUES(zeroblob(5000000))"],
    "value-not-exportable",
    't" has a row',
  ],
  ["a database in UTF-16", ["PRAGMA encoding = 'UTF-16'", "CREATE TABLE t(a)"], "file", "UTF-16"],
])("refuses %s", async (_what, statements, code, words) => {
  make(...statements);
  await expect(dump()).rejects.toMatchObject({ code, message: expect.stringContaining(words) });
});

test("stops on Ctrl-C", async () => {
  make("CREATE TABLE t(a)", "INSERT INTO t VALUES(1)");
  const signal = AbortSignal.abort();
  const stopped = dumpDatabaseFile(path, output, { signal, onText: () => undefined });
  await expect(stopped).rejects.toMatchObject({ code: "interrupted" });
});

test("warns of the numbers in the file's header, which no dump contains", async () => {
  make("CREATE TABLE t(a)", "PRAGMA user_version = 7", "PRAGMA application_id = 1196437808");
  const { found } = await dump();
  expect(found.warnings).toEqual([
    "user_version 7 is not restored: no dump contains it",
    "application_id 1196437808 is not restored: no dump contains it",
  ]);
});
