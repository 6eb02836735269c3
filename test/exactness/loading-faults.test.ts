import type { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";

import { ExportError } from "../../src/api/errors.ts";
import type { Source } from "../../src/databases/source.ts";
import { withoutOwnObjects } from "../../src/sqlite/own-objects.ts";
import { loadDump, type Loading } from "../support/load-dump.ts";
import { nodeSqliteSource, openPlatformDatabase } from "../support/node-sqlite-source.ts";

function emptyDatabase(): DatabaseSync {
  const db = openPlatformDatabase();
  db.exec("PRAGMA foreign_keys = ON");
  return db;
}

/** A source that keeps what a failed transaction has done, as StarbaseDB's class does. */
function keepingSource(db: DatabaseSync): Source {
  const source = nodeSqliteSource(db);
  return {
    ...source,
    transaction: async (statements) => {
      const results = [];
      for (const statement of statements) results.push(await source.query(statement));
      return results;
    },
  };
}

/** Numbers below 1 from a seed. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}

/** A source of which every third transaction fails, before its effect or after it. */
function failingSource(source: Source, random: () => number): Source {
  return {
    ...source,
    transaction: async (statements) => {
      const draw = random();
      const lost = new ExportError("source-unavailable", "the answer was lost");
      if (draw < 0.15) throw lost;
      const results = await source.transaction(statements);
      if (draw > 0.85) throw lost;
      return results;
    },
  };
}

/** Rows of each kind: direct, waiting for parents, in cycles, and written by a trigger. */
const SCRIPT = [
  "CREATE TABLE tree(id INTEGER PRIMARY KEY AUTOINCREMENT, p NOT NULL REFERENCES tree(id));",
  "CREATE TABLE child(a, b, PRIMARY KEY (b DESC, a)) WITHOUT ROWID;",
  "CREATE TABLE early(p REFERENCES late(id));",
  "CREATE TABLE late(id INTEGER PRIMARY KEY, t);",
  "CREATE TABLE log(n);",
  "CREATE TABLE logged(n);",
  "CREATE TRIGGER r AFTER INSERT ON logged BEGIN INSERT INTO log VALUES (new.n); END;",
  ...Array.from({ length: 60 }, (_, n) => [
    `INSERT INTO tree VALUES(${n + 1}, ${((n + 1) % 60) + 1});`,
    `INSERT INTO child VALUES(${n}, 'x');`,
    `INSERT INTO early VALUES(${n});`,
    `INSERT INTO late VALUES(${n}, 'row ${n}');`,
  ]).flat(),
  ...Array.from({ length: 20 }, (_, n) => `INSERT INTO logged VALUES(${n});`),
  "CREATE INDEX i ON late(t);",
].join("\n");

function contentOf(db: DatabaseSync): unknown {
  const rows = (sql: string): unknown[] => db.prepare(sql).all();
  return [
    "SELECT type, name, sql FROM sqlite_master ORDER BY name",
    "SELECT * FROM sqlite_sequence",
    ...["tree", "child", "early", "late", "log", "logged"].map((name) => `SELECT * FROM ${name}`),
  ].map(rows);
}

async function contentAfter(source: (db: DatabaseSync) => Source, loading: Partial<Loading>) {
  const db = emptyDatabase();
  await loadDump(source(db), Buffer.from(SCRIPT), loading);
  return contentOf(db);
}

const LOADING: Partial<Loading> = { textBytesMax: 400, pieceBytes: 300, sliceRows: 7 };

test.each([
  ["rolls back", nodeSqliteSource],
  ["does not roll back", keepingSource],
])(
  "loads each statement once, although answers are lost, into a source that %s",
  async (_, open) => {
    const expected = await contentAfter(nodeSqliteSource, {});
    for (let seed = 1; seed <= 12; seed += 1) {
      const random = randomOf(seed);
      const tryAgain = (error: unknown): boolean =>
        error instanceof ExportError && error.code === "source-unavailable";
      const actual = await contentAfter(
        (db) => {
          const source = open(db);
          const failing = failingSource(source, random);
          // The fixture's own calls, before and after the restore, do not fail.
          return {
            ...source,
            transaction: (statements) =>
              statements.some(({ sql }) => /^(?:CREATE TABLE IF NOT|DROP TABLE IF)/.test(sql))
                ? source.transaction(statements)
                : failing.transaction(statements),
          };
        },
        { ...LOADING, tryAgain },
      );
      expect(actual, `seed ${seed}`).toEqual(expected);
    }
  },
);

test("two attempts beside each other load each statement once", async () => {
  const expected = await contentAfter(nodeSqliteSource, {});
  const db = emptyDatabase();
  const source = nodeSqliteSource(db);
  const attempts: Promise<unknown>[] = [];
  let overtaken = 0;
  const tryAgain = (error: unknown): boolean => {
    const isOvertaken = error instanceof ExportError && error.code === "try-overtaken";
    if (isOvertaken) overtaken += 1;
    return isOvertaken;
  };
  const shared: Source = {
    ...source,
    transaction: async (statements) => {
      // The other attempt runs in between.
      for (let turns = 0; turns < 3; turns += 1) await Promise.resolve();
      return source.transaction(statements);
    },
  };
  const options = { ...LOADING, tryAgain, keepsTables: true };
  attempts.push(loadDump(shared, Buffer.from(SCRIPT), options));
  attempts.push(loadDump(shared, Buffer.from(SCRIPT), options));
  await Promise.all(attempts);
  expect(overtaken).toBeGreaterThan(0);
  await loadDump(shared, Buffer.from(SCRIPT), { ...options, keepsTables: false, isStarted: true });
  expect(contentOf(db)).toEqual(expected);
});

test.each([
  ["rolls back", nodeSqliteSource],
  ["does not roll back", keepingSource],
])("names the statement that fails in a source that %s", async (_, open) => {
  const rows = Array.from({ length: 50 }, (__, n) => `INSERT INTO t VALUES(${n === 37 ? 3 : n});`);
  const script = `CREATE TABLE t(a PRIMARY KEY);\n${rows.join("\n")}\n`;
  const db = emptyDatabase();
  const error = await loadDump(open(db), Buffer.from(script)).catch((cause: unknown) => cause);
  expect(error).toMatchObject({
    code: "statement-failed",
    details: {
      statement: 39,
      line: 39,
      offset: script.indexOf(rows[37] as string, script.indexOf(rows[36] as string)),
      table: "t",
      sql: "INSERT INTO t VALUES(3);",
      reason: "UNIQUE constraint failed: t.a",
    },
  });
  const again = await loadDump(open(db), Buffer.from(script), { isStarted: true }).catch(
    (cause: unknown) => cause,
  );
  expect(again).toMatchObject({ code: "statement-failed", details: { statement: 39, table: "t" } });
});

test("an attempt whose staging table another attempt has dropped is overtaken, and does not fail", async () => {
  const script =
    "CREATE TABLE t(id INTEGER PRIMARY KEY, p REFERENCES t(id));INSERT INTO t VALUES(1,2),(2,1);";
  const expected = emptyDatabase();
  await loadDump(nodeSqliteSource(expected), Buffer.from(script));
  const db = emptyDatabase();
  const source = nodeSqliteSource(db);
  let isOther = false;
  const codes: string[] = [];
  const beside: Source = {
    ...source,
    query: async (statement) => {
      // Another attempt does the rest just before the staged rows are counted.
      if (
        !isOther &&
        statement.sql.startsWith("SELECT (SELECT count(*) FROM tmp_export_stage_1)")
      ) {
        isOther = true;
        await loadDump(source, Buffer.from(script), { isStarted: true, keepsTables: true });
      }
      return source.query(statement);
    },
  };
  await loadDump(beside, Buffer.from(script), {
    tryAgain: (error) => codes.push((error as ExportError).code) > 0 && codes.length === 1,
  });
  expect(codes).toEqual(["try-overtaken"]);
  expect(db.prepare("SELECT * FROM t").all()).toEqual(expected.prepare("SELECT * FROM t").all());
});

test.each([
  ["deletes the row", "DELETE FROM tmp_export_restore"],
  ["changes the row's id", "UPDATE tmp_export_restore SET id = 'x'"],
])(
  "names a statement that %s of the restore's position, and keeps the position",
  async (_, sql) => {
    const script = `CREATE TABLE t(a);INSERT INTO t VALUES(1);WITH c AS (SELECT 1) ${sql};INSERT INTO t VALUES(2);`;
    const db = emptyDatabase();
    const load = (isStarted: boolean): Promise<unknown> =>
      loadDump(nodeSqliteSource(db), Buffer.from(script), { isStarted }).catch((error) => error);
    for (const isStarted of [false, true]) {
      expect(await load(isStarted)).toMatchObject({
        code: "statement-failed",
        details: { statement: 3, line: 1 },
      });
      expect(db.prepare("SELECT a FROM t").all()).toEqual([{ a: 1 }]);
    }
  },
);

test("a dump leaves out what a restore keeps in its target", async () => {
  const db = emptyDatabase();
  const script =
    "CREATE TABLE t(id INTEGER PRIMARY KEY, p REFERENCES t);INSERT INTO t VALUES(1,2);oops";
  await loadDump(
    nodeSqliteSource(db),
    Buffer.from(script.replace("oops", "INSERT INTO nowhere VALUES(1);INSERT INTO t VALUES(2,1);")),
  ).catch(() => {});
  const objects = db
    .prepare("SELECT type, name, tbl_name AS tableName, sql FROM sqlite_master WHERE sql NOT NULL")
    .all();
  expect(objects.map(({ name }) => name)).toContain("tmp_export_restore");
  expect(objects.map(({ name }) => name)).toContain("tmp_export_stage_1");
  expect(withoutOwnObjects(objects as never).map(({ name }) => name)).toEqual(["t"]);
});

test.each<[string, (n: number, count: number) => number | null]>([
  ["each refer to a later one", (n, count) => (n === count ? null : n + 1)],
  ["each refer to an earlier one", (n) => (n === 1 ? null : n - 1)],
  ["are one ring", (n, count) => (n % count) + 1],
  ["are pairs", (n) => (n % 2 === 0 ? n - 1 : n + 1)],
  ["refer at random", (n, count) => ((n * 7_919) % count) + 1],
])("moves 20,000 rows that %s", async (_, parentOf) => {
  const count = 20_000;
  const rows = Array.from(
    { length: count },
    (__, at) => `(${at + 1},${parentOf(at + 1, count) ?? "NULL"})`,
  );
  const script = `CREATE TABLE t(id INTEGER PRIMARY KEY, p INTEGER REFERENCES t(id) ON DELETE CASCADE);INSERT INTO t VALUES${rows.join(",")};`;
  const db = emptyDatabase();
  await loadDump(nodeSqliteSource(db), Buffer.from(script), { sliceRows: 3_000 });
  const loaded = db.prepare("SELECT id, p FROM t ORDER BY id").all();
  expect(loaded.map(({ id, p }) => `(${String(id)},${p === null ? "NULL" : String(p)})`)).toEqual(
    rows,
  );
  expect(db.prepare("SELECT name FROM sqlite_master").all()).toEqual([{ name: "t" }]);
});

test("moves cycles of several tables, with composite keys and tables without rowids", async () => {
  const count = 400;
  const script = [
    "CREATE TABLE a(x, y TEXT COLLATE NOCASE, b NOT NULL, PRIMARY KEY (y, x DESC), FOREIGN KEY (b) REFERENCES b(k)) WITHOUT ROWID;",
    "CREATE TABLE b(k PRIMARY KEY, cx, cy, FOREIGN KEY (cx, cy) REFERENCES c(x, y) DEFERRABLE INITIALLY DEFERRED);",
    "CREATE TABLE c(x, y, ax, ay, UNIQUE (x, y), FOREIGN KEY (ax, ay) REFERENCES a(x, y) ON UPDATE SET NULL);",
    ...Array.from({ length: count }, (_, n) => [
      `INSERT INTO c VALUES(${n}, 'c', ${n % 3 === 0 ? "NULL" : (n * 7) % count}, 'A');`,
      `INSERT INTO a VALUES(${n}, 'a', 'b${(n + 1) % count}');`,
      `INSERT INTO b VALUES('b${n}', ${(n * 3) % count}, 'c');`,
    ]).flat(),
  ].join("\n");
  for (const sliceRows of [5, 64, 100_000]) {
    const db = emptyDatabase();
    await loadDump(nodeSqliteSource(db), Buffer.from(script), { sliceRows, textBytesMax: 5_000 });
    expect(db.prepare("PRAGMA foreign_key_check").all()).toEqual([]);
    const counts = db
      .prepare(
        "SELECT (SELECT count(*) FROM a) a, (SELECT count(*) FROM b) b, (SELECT count(*) FROM c) c",
      )
      .get();
    expect(counts).toEqual({ a: count, b: count, c: count });
  }
});
