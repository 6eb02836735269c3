import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { gzipSync, zstdCompressSync } from "node:zlib";

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { type CliResult, runCli } from "../test/support/run-cli.ts";

let folder: string;
let file: string;
let to: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "cli-restore-into-file-"));
  file = join(folder, "backup.sql");
  to = join(folder, "new.sqlite");
});
afterEach(() => rmSync(folder, { recursive: true }));

function restore(...args: string[]): Promise<CliResult> {
  return runCli(["restore", file, ...args], { url: "" });
}

function query(sql: string): unknown[] {
  const db = new DatabaseSync(to, { readOnly: true });
  try {
    return db
      .prepare(sql)
      .all()
      .map((row) => Object.values(row));
  } finally {
    db.close();
  }
}

const SCRIPT = "CREATE TABLE t(a);\r\nINSERT INTO t VALUES('x;''y'),(2);\n";

describe("--to", () => {
  test.each([
    ["plain", (text: Buffer) => text],
    ["gzip", gzipSync],
    ["zstd", zstdCompressSync],
    [
      "two gzip members",
      (text: Buffer) => Buffer.concat([gzipSync(text.subarray(0, 9)), gzipSync(text.subarray(9))]),
    ],
  ])("restores a script into a new file: %s", async (_kind, pack) => {
    writeFileSync(file, pack(Buffer.from(SCRIPT)));
    const { exitCode, stderr } = await restore("--to", to);
    expect(stderr).toBe(`${to}: 1 table, 2 rows, 2 statements; SQLite's integrity check passed`);
    expect(exitCode).toBe(0);
    expect(query("SELECT a FROM t")).toEqual([["x;'y"], [2]]);
  });

  test("restores what the sqlite3 shell writes: its own transaction, pragmas, virtual tables", async () => {
    const tables = ["data", "idx", "content", "docsize", "config"];
    const source = new DatabaseSync(":memory:");
    source.exec("CREATE VIRTUAL TABLE f USING fts5(t); INSERT INTO f VALUES('hello world')");
    const shadows = tables.map((name) => {
      const { sql } =
        source.prepare("SELECT sql FROM sqlite_schema WHERE name = ?").get(`f_${name}`) ?? {};
      const rows = source
        .prepare(`SELECT * FROM f_${name}`)
        .all()
        .map((row) => {
          const values = Object.values(row).map((value) =>
            value instanceof Uint8Array
              ? `X'${Buffer.from(value).toString("hex")}'`
              : typeof value === "string"
                ? `'${value}'`
                : String(value),
          );
          return `INSERT INTO f_${name} VALUES(${values.join(",")});`;
        });
      return [`${String(sql)};`, ...rows].join("\n");
    });
    writeFileSync(
      file,
      [
        "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nPRAGMA writable_schema=ON;",
        "INSERT INTO sqlite_schema(type,name,tbl_name,rootpage,sql)VALUES('table','f','f',0,'CREATE VIRTUAL TABLE f USING fts5(t)');",
        ...shadows,
        "PRAGMA writable_schema=OFF;\nPRAGMA user_version=7;\nCOMMIT",
      ].join("\n"),
    );
    const { stderr, exitCode } = await restore("--to", to);
    expect(stderr).toContain("SQLite's integrity check passed");
    expect(exitCode).toBe(0);
    expect(query("SELECT t FROM f WHERE f MATCH 'world'")).toEqual([["hello world"]]);
    expect(query("PRAGMA user_version")).toEqual([[7]]);
  });

  test("copies a database file by its dump", async () => {
    const source = new DatabaseSync(file);
    source.exec(
      "CREATE TABLE t(a); INSERT INTO t VALUES(9007199254740993), (CAST(X'ff41' AS TEXT)), (X'00')",
    );
    source.close();
    expect((await restore("--to", to)).exitCode).toBe(0);
    expect(query("SELECT typeof(a), hex(a) FROM t")).toEqual([
      ["integer", "39303037313939323534373430393933"],
      ["text", "FF41"],
      ["blob", "00"],
    ]);
  });

  test("refuses a file that exists, and leaves it as it is", async () => {
    writeFileSync(file, SCRIPT);
    writeFileSync(to, "mine");
    const { exitCode, stderr } = await restore("--to", to);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`${to} already exists`);
    expect(readFileSync(to, "utf8")).toBe("mine");
  });

  test.each([
    [
      "a statement that fails",
      `${SCRIPT}INSERT INTO u VALUES(1);`,
      "statement 3 (line 3) `INSERT INTO u VALUES(1);`: no such table: u",
    ],
    [
      "half a statement",
      `${SCRIPT}INSERT INTO t VALUES(`,
      "statement 3 (line 3) `INSERT INTO t VALUES(`: incomplete input",
    ],
    [
      "a rollback",
      `BEGIN;\n${SCRIPT}ROLLBACK;`,
      "statement 4 (line 4) `ROLLBACK;`: ROLLBACK undoes",
    ],
    ["no statement", "-- nothing\n", "it contains no statement"],
  ])("leaves nothing after %s", async (_what, script, words) => {
    writeFileSync(file, script);
    const { exitCode, stderr } = await restore("--to", to);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(words);
    expect(readdirSync(folder)).toEqual(["backup.sql"]);
  });

  test("warns about rows whose parents are missing", async () => {
    writeFileSync(
      file,
      "CREATE TABLE p(id INTEGER PRIMARY KEY);CREATE TABLE c(p REFERENCES p);INSERT INTO c VALUES(1)",
    );
    const { exitCode, stderr } = await restore("--to", to);
    expect(exitCode).toBe(0);
    expect(stderr).toContain("warning: 1 row refers to rows that are not in the script");
  });

  test("restores rows that violate a CHECK, with a warning", async () => {
    writeFileSync(file, "CREATE TABLE t(a CHECK(a > 0));INSERT INTO t VALUES(-1)");
    const { exitCode, stderr } = await restore("--to", to);
    expect(exitCode).toBe(0);
    expect(stderr).toContain('warning: rows of "t" violate a CHECK');
    expect(query("SELECT a FROM t")).toEqual([[-1]]);
  });

  test("prints the path with --quiet, and JSON", async () => {
    writeFileSync(file, SCRIPT);
    expect((await restore("--to", to, "-q")).stdout).toBe(`${to}\n`);
    rmSync(to);
    const { stdout } = await restore("--to", to, "--json");
    expect(JSON.parse(stdout)).toEqual({ path: to, statements: 2, tables: 1, rows: 2 });
  });
});

describe("--dry-run", () => {
  test("counts statements, tables, rows, what is skipped and what is staged", async () => {
    writeFileSync(
      file,
      "BEGIN;PRAGMA foreign_keys=OFF;\nCREATE TABLE c(p REFERENCES p(id));INSERT INTO c VALUES(1),((2));\n" +
        "CREATE TABLE p(id INTEGER PRIMARY KEY);INSERT INTO P(id) VALUES(1),(2) ON CONFLICT(id) DO NOTHING;CREATE UNIQUE INDEX i ON p(id);COMMIT",
    );
    const { exitCode, stdout } = await restore("--dry-run", "--json");
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      file,
      compression: "none",
      bytes: readFileSync(file).length,
      textBytes: readFileSync(file).length,
      statements: {
        BEGIN: 1,
        PRAGMA: 1,
        "CREATE TABLE": 2,
        INSERT: 2,
        "CREATE INDEX": 1,
        COMMIT: 1,
      },
      skipped: { BEGIN: 1, PRAGMA: 1, COMMIT: 1 },
      tables: [
        { name: "c", rows: 2 },
        { name: "p", rows: 2 },
      ],
      rows: 4,
      stagedRows: 2,
      problems: [],
    });
    const { stdout: text } = await restore("--dry-run");
    expect(text).toContain("2 rows wait in a staging table");
    expect(text).toContain("nothing was sent");
    expect(existsSync(to)).toBe(false);
  });

  test("does not guess how many rows a query inserts", async () => {
    writeFileSync(
      file,
      "CREATE TABLE a(x);INSERT INTO a VALUES(1);INSERT INTO a WITH n(x) AS (VALUES(1),(2)) SELECT x FROM n;" +
        "CREATE TABLE b(x);INSERT INTO b DEFAULT VALUES;",
    );
    const { stdout } = await restore("--dry-run", "--json");
    expect(JSON.parse(stdout)).toMatchObject({
      tables: [
        { name: "a", rows: null },
        { name: "b", rows: 1 },
      ],
      rows: null,
      problems: [],
    });
    const { stdout: text } = await restore("--dry-run");
    expect(text).toContain("2 tables, an unknown number of rows");
    expect(text).toMatch(/^a +\?$/m);
  });

  test("lists every problem with its line", async () => {
    writeFileSync(file, "CREATE TABLE t(a);\nATTACH 'x' AS y;\nCREATE TEMP TABLE u(a);\n");
    const { exitCode, stdout, stderr } = await restore("--dry-run");
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^problem: statement 2 \(line 2\) `ATTACH/m);
    expect(stdout).toMatch(/^problem: statement 3 \(line 3\) `CREATE TEMP/m);
    expect(stderr).toContain("cannot be restored: statement 2 (line 2)");
  });
});
