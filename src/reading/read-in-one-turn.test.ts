import type { DatabaseSync } from "node:sqlite";
import * as fc from "fast-check";
import { expect, test } from "vitest";

import { planDump } from "../formats/plan-dump.ts";
import { MIB, PAGE_BYTES } from "../api/limits.ts";
import { digestCatalog, readCatalog } from "./read-catalog.ts";
import { type OneTurnDump, readInOneTurn } from "./read-in-one-turn.ts";
import type { Source } from "../databases/source.ts";
import { dumpDatabase } from "../../test/support/dump-database.ts";
import { nodeSqliteSource, openPlatformDatabase } from "../../test/support/node-sqlite-source.ts";
import { buildDatabase, databaseArbitrary, scriptOf } from "../../test/support/random-database.ts";
import { TRAPS } from "../../test/support/traps.ts";

/** Reads `db` in one turn, with `before` run just before the source is called for the nth time. */
async function readAll(
  db: DatabaseSync,
  before: (call: number) => void = () => {},
  bytesMax: number = PAGE_BYTES,
): Promise<OneTurnDump | undefined> {
  const plain = nodeSqliteSource(db);
  const catalog = await readCatalog(plain);
  const request = { source: "main", format: "sql", content: "all", tables: {} } as const;
  let calls = 0;
  const source: Source = {
    ...plain,
    transaction: (statements) => {
      calls += 1;
      before(calls);
      return plain.transaction(statements);
    },
  };
  return readInOneTurn(source, {
    ...planDump(request, catalog),
    catalogDigest: await digestCatalog(catalog),
    bytesMax,
  });
}

const wholeDump = async (db: DatabaseSync): Promise<string> =>
  Buffer.from((await dumpDatabase(nodeSqliteSource(db))).bytes).toString("latin1");

const textOf = (dump: OneTurnDump | undefined): string | undefined =>
  dump && Buffer.concat(dump.pieces.map(({ bytes }) => bytes)).toString("latin1");

/** The call by which a database is measured, and that by which it is read. */
const MEASURING = 1;
const READING = 2;

test("has the bytes of a dump in pages, of every trap that is small", async () => {
  let small = 0;
  for (const trap of TRAPS) {
    const db = openPlatformDatabase();
    for (const statement of trap.script) db.exec(statement);
    const dump = await readAll(db);
    if (dump === undefined) continue;
    small += 1;
    expect([trap.title, textOf(dump)]).toEqual([trap.title, await wholeDump(db)]);
  }
  expect(small).toBeGreaterThan(TRAPS.length * 0.8);
});

test("has the bytes of a dump in pages, of random databases", async () => {
  await fc.assert(
    fc.asyncProperty(databaseArbitrary, async (shape) => {
      const db = openPlatformDatabase();
      try {
        buildDatabase(db, scriptOf(shape));
        const dump = await readAll(db);
        if (dump !== undefined) expect(textOf(dump)).toBe(await wholeDump(db));
      } finally {
        db.close();
      }
    }),
    { numRuns: 50, seed: 20_261_125 },
  );
});

function bank(): DatabaseSync {
  const db = openPlatformDatabase();
  db.exec(`CREATE TABLE a(id INTEGER PRIMARY KEY AUTOINCREMENT, x); CREATE TABLE b(y);
    INSERT INTO a(x) VALUES (1), (2); INSERT INTO b VALUES (3)`);
  return db;
}

test("is of the turn that reads, whatever is written before it", async () => {
  const db = bank();
  const dump = await readAll(db, (call) => {
    if (call === READING) db.exec("INSERT INTO a(x) VALUES (5); DELETE FROM b");
  });
  const expected = await wholeDump(db);
  expect(textOf(dump)).toBe(expected);
  expect(expected).toContain("(3,5)");
  expect(dump?.atMs).toBeGreaterThan(Date.now() - 60_000);
});

test.each([
  ["a table is made meanwhile", READING, "CREATE TABLE c(z)"],
  ["a table that is read is dropped meanwhile", READING, "DROP TABLE b"],
  ["a table is dropped before it is measured", MEASURING, "DROP TABLE b"],
  [
    "a table has many rows",
    MEASURING,
    "INSERT INTO b WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20001) SELECT i FROM n",
  ],
  ["a table has many bytes", MEASURING, "INSERT INTO b VALUES (zeroblob(800000))"],
])("leaves it to pages where %s", async (_, at, sql) => {
  const db = bank();
  const dump = await readAll(db, (call) => {
    if (call === at) db.exec(sql);
  });
  expect(dump).toBeUndefined();
});

const MANY =
  "INSERT INTO b WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2001) SELECT i FROM n";

test("is read again as a whole if a table has grown since it was measured", async () => {
  const db = bank();
  const dump = await readAll(db, (call) => {
    if (call === READING) db.exec(MANY);
    if (call === READING + 1) db.exec("UPDATE a SET x = 'in the turn that counts'");
  });
  const expected = await wholeDump(db);
  expect(textOf(dump)).toBe(expected);
  expect(expected).toContain("in the turn that counts");
});

test("has the bytes of a dump in pages if a table has several, also while it is written", async () => {
  const db = bank();
  db.exec(
    "INSERT INTO a(x) WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) " +
      "SELECT printf('%0800d', i) FROM n",
  );
  let turns = 0;
  const dump = await readAll(
    db,
    (call) => {
      turns = call;
      if (call <= READING + 1)
        db.exec("DELETE FROM a WHERE id = (SELECT min(id) FROM a WHERE id > 50)");
    },
    4 * MIB,
  );
  expect(turns).toBeGreaterThan(READING + 1);
  expect(textOf(dump)).toBe(await wholeDump(db));
});

test("leaves a database of many tables to a snapshot", async () => {
  const db = openPlatformDatabase();
  for (let table = 0; table <= 100; table += 1) db.exec(`CREATE TABLE t${table}(a)`);
  expect(await readAll(db)).toBeUndefined();
});

test("reads few rows of a large database to find out that it is large", async () => {
  const db = openPlatformDatabase();
  db.exec(`CREATE TABLE t(id INTEGER PRIMARY KEY, a);
    INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
      SELECT i, zeroblob(5000) FROM n`);
  const plain = nodeSqliteSource(db);
  const read: number[] = [];
  const source: Source = {
    ...plain,
    transaction: async (statements) => {
      const results = await plain.transaction(statements);
      for (const { rows } of results) read.push(Number(rows[0]?.[0]));
      return results;
    },
  };
  const catalog = await readCatalog(plain);
  const plan = planDump({ source: "main", format: "sql", content: "all" }, catalog);
  const dump = { ...plan, catalogDigest: await digestCatalog(catalog), bytesMax: 2 * MIB };
  expect(await readInOneTurn(source, dump)).toBeUndefined();
  expect(read).toHaveLength(2);
  expect(read[0]).toBe(200);
  expect(read[1]).toBeLessThan(500);
});
