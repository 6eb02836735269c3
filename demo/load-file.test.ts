import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ApiProblem } from "./api.ts";
import { checkRestored } from "./check-restored.ts";
import { loadFile } from "./load-file.ts";
import { openSourceFile } from "./source-file.ts";
import type { SourceFile } from "./source-file.ts";
import type { Database } from "./statement-batch.ts";

let folder: string;
let opened: { close: () => void }[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "durable-export-load-"));
  vi.spyOn(console, "log").mockReturnValue();
});
afterEach(() => {
  for (const each of opened) each.close();
  opened = [];
  rmSync(folder, { recursive: true });
  vi.restoreAllMocks();
});

async function openSource(sql: string): Promise<SourceFile> {
  const path = join(folder, "source.sqlite");
  const db = new DatabaseSync(path, { enableForeignKeyConstraints: false, defensive: false });
  db.exec(sql);
  db.close();
  const source = await openSourceFile(path);
  opened.push(source);
  return source;
}

/** SQLite with the limits of a Durable Object, which refuses FTS4 as that does. */
class LimitedDatabase implements Database {
  readonly db = new DatabaseSync(join(folder, "loaded.sqlite"), {
    limits: { column: 100, sqlLength: 100_000, exprDepth: 100, compoundSelect: 5, functionArg: 32 },
  });

  async query(sql: string): Promise<unknown> {
    if (/USING fts4/.test(sql)) throw refusal("not authorized: SQLITE_AUTH");
    this.#run(sql);
    return [];
  }

  async transaction(statements: string[]): Promise<void> {
    this.db.exec("BEGIN");
    try {
      for (const sql of statements) this.#run(sql);
      this.db.exec("COMMIT");
    } catch (error) {
      this.db.exec("ROLLBACK");
      throw error;
    }
  }

  #run(sql: string): void {
    try {
      this.db.exec(sql);
    } catch (error) {
      throw refusal((error as Error).message);
    }
  }
}

function refusal(detail: string): ApiProblem {
  return new ApiProblem("POST /query", { code: "query-failed", detail });
}

/** Loads a file with this content into a database, and compares the two. */
async function load(sql: string) {
  const source = await openSource(sql);
  const database = new LimitedDatabase();
  opened.push(database.db);
  const notLoaded = await loadFile(source, database, () => undefined);
  database.db.limits.column = 200;
  const { isSame, leftOut } = await checkRestored({
    source,
    restored: database.db,
    leftOut: notLoaded,
    signal: new AbortController().signal,
  });
  return { isSame, leftOut: leftOut.map(({ name, reason }) => `${name}: ${reason}`) };
}

function columns(count: number): string {
  return Array.from({ length: count }, (_, n) => `c${n}`).join(", ");
}

/** SQL that changes a definition, so that rows break it which are there already. */
function redefine(name: string, sql: string): string {
  return `PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = '${sql}' WHERE name = '${name}';`;
}

describe("loadFile", () => {
  test.each([
    [
      "rows of 100 columns and a rowid",
      `CREATE TABLE t (${columns(100)}); INSERT INTO t(c0) VALUES (1), (2)`,
    ],
    [
      "rows that break a CHECK",
      "CREATE TABLE t (a CHECK (a > 0)); PRAGMA ignore_check_constraints = ON; INSERT INTO t VALUES (-1)",
    ],
    [
      "rows whose foreign keys lead nowhere",
      "CREATE TABLE p (a); CREATE TABLE c (a REFERENCES gone, b REFERENCES p(a)); INSERT INTO c VALUES (1, 2)",
    ],
    [
      "an FTS5 index of some rows of its content",
      `CREATE TABLE t (id INTEGER PRIMARY KEY, a); INSERT INTO t VALUES (1, 'x'), (2, 'y'), (9223372036854775807, 'z');
       CREATE VIRTUAL TABLE f USING fts5(a, content = t, content_rowid = id); INSERT INTO f(rowid, a) VALUES (2, 'y')`,
    ],
    [
      "the options of an FTS5 table",
      `CREATE VIRTUAL TABLE f USING fts5(a); INSERT INTO f VALUES ('x');
       INSERT INTO f(f, rank) VALUES ('rank', 'bm25(10.0)'), ('pgsz', 512)`,
    ],
    [
      "a table that looks like a shadow table, with its index",
      `CREATE TABLE f_content (id INTEGER PRIMARY KEY, a); INSERT INTO f_content VALUES (1, 'x');
       CREATE INDEX i ON f_content (a); CREATE VIRTUAL TABLE f USING fts5(a, content = f_content, content_rowid = id);
       INSERT INTO f(f) VALUES ('rebuild')`,
    ],
    [
      "an R-Tree that grew in another order",
      `CREATE VIRTUAL TABLE r USING rtree(id, x0, x1); WITH RECURSIVE n(i) AS (SELECT 500 UNION ALL SELECT i - 1 FROM n
       WHERE i > 1) INSERT INTO r SELECT i * 7 % 503, i * 31 % 97, 100 FROM n`,
    ],
    ["views that fail", "CREATE VIEW v AS SELECT a FROM gone; CREATE VIEW w AS SELECT gone(1)"],
    [
      "sqlite_sequence without a table that it counts for",
      "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT); DROP TABLE t",
    ],
  ])("carries %s", async (_, sql) => {
    expect(await load(sql)).toEqual({ isSame: true, leftOut: [] });
  });

  test.each([
    [
      "an FTS5 index whose content is gone",
      `CREATE TABLE t (a); INSERT INTO t VALUES ('x'); CREATE VIRTUAL TABLE f USING fts5(a, content = t);
       INSERT INTO f(f) VALUES ('rebuild'); DROP TABLE t`,
      "f: the index entries of 1 row (its content cannot be read: no such table: main.t)",
    ],
    [
      "a module that the platform lacks",
      "CREATE VIRTUAL TABLE f USING fts4(a); INSERT INTO f VALUES ('x')",
      "f: a Durable Object refuses it: not authorized: SQLITE_AUTH",
    ],
  ])("leaves out %s", async (_, sql, leftOut) => {
    expect(await load(sql)).toEqual({ isSame: true, leftOut: [leftOut] });
  });

  test.each([
    [
      "table that has a NULL in a NOT NULL column",
      "CREATE TABLE t (a); INSERT INTO t VALUES (NULL);" +
        redefine("t", "CREATE TABLE t (a NOT NULL)"),
      'table "t": NOT NULL constraint failed: t.a',
    ],
    [
      "STRICT table that has a value of another type",
      `CREATE TABLE t (a INT); INSERT INTO t VALUES ('x'); ${redefine("t", "CREATE TABLE t (a INT) STRICT")}`,
      'table "t": cannot store TEXT value in INT column t.a',
    ],
    [
      "UNIQUE index that has a key twice",
      `CREATE TABLE t (a); INSERT INTO t VALUES (1), (1); CREATE INDEX i ON t (a);
       ${redefine("i", "CREATE UNIQUE INDEX i ON t (a)")}`,
      'index "i": UNIQUE constraint failed: t.a',
    ],
  ])("names a %s", async (_, sql, refused) => {
    const others = "CREATE TABLE before (a); INSERT INTO before VALUES (1); CREATE TABLE z (a);";
    await expect(load(others + sql)).rejects.toThrow(
      `a Durable Object refuses ${refused}\nRows of the file violate its own rules. ` +
        "Repair them first: `PRAGMA integrity_check` lists them.",
    );
  });

  test("names the view that is too deep for the platform", async () => {
    const deep = Array.from({ length: 150 }, () => "1").join(" + ");
    await expect(
      load(`CREATE VIEW v AS SELECT 1; CREATE VIEW deep AS SELECT ${deep}`),
    ).rejects.toThrow(
      'a Durable Object refuses view "deep": Expression tree is too large (maximum depth 100)',
    );
  });
});
