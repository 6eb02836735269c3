import type { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";

import type { Source } from "../../databases/source.ts";
import { planDump } from "../../formats/plan-dump.ts";
import { concatBytes } from "../../lib/bytes.ts";
import { CURSOR_START } from "../../rpc/cursor.ts";
import { readDump } from "../dump-reader.ts";
import { closeSnapshot } from "./close-snapshot.ts";
import { createPagesSql, PAGES_BYTES_MAX, sumPagesSql } from "./kept-pages.ts";
import { SnapshotNames } from "./names.ts";
import { SnapshotReader } from "./snapshot-reader.ts";
import {
  freeze,
  freezeDatabase,
  SNAPSHOT_ID,
  snapshotObjects,
} from "../../../test/support/frozen-database.ts";
import {
  nodeSqliteSource,
  openPlatformDatabase,
} from "../../../test/support/node-sqlite-source.ts";

test("of many tables keeps pages of all short ones, and of others until few are watched", async () => {
  const longer = Array.from(
    { length: 60 },
    (_, n) =>
      `CREATE TABLE longer_${n}(a TEXT, b); INSERT INTO longer_${n} VALUES ('${"x".repeat(70_000 + n)}', ${n})`,
  );
  const { db, dump, expected, opened } = await freezeDatabase(
    `${longer.join("; ")}; CREATE TABLE empty(a PRIMARY KEY) WITHOUT ROWID;
     CREATE TABLE several(a, b, c, PRIMARY KEY (b DESC, a)) WITHOUT ROWID; INSERT INTO several VALUES (1, 2, 3), (2, 1, 0), (1, 1, 0);
     CREATE TABLE sparse(id INTEGER PRIMARY KEY); INSERT INTO sparse VALUES (1), (1000000);
     CREATE TABLE far(id INTEGER PRIMARY KEY); INSERT INTO far VALUES (-3), (9007199254740991);
     CREATE TABLE many_rows(id INTEGER PRIMARY KEY, r, n, total);
     INSERT INTO many_rows WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 101) SELECT i, i, -i, i FROM n`,
  );
  const held = new Map(opened.record.tables.map(({ name, heldBy }) => [name, heldBy]));
  for (const name of ["empty", "several", "sparse", "far", "many_rows", "longer_0", "longer_9"]) {
    expect(held.get(name)).toBe("page");
  }
  for (const name of ["longer_10", "longer_59"]) expect(held.get(name)).toBe("undo");
  expect([...held.values()].filter((by) => by === "undo").length).toBe(50);
  db.exec(
    "UPDATE longer_3 SET b = 0; DELETE FROM longer_4; DELETE FROM many_rows; INSERT INTO empty VALUES (1); " +
      "DELETE FROM sparse; UPDATE longer_59 SET a = 'y'; DROP TABLE longer_5; UPDATE several SET c = 9",
  );
  expect(await dump()).toBe(expected);
});

test("keeps no more bytes than the bound, although no size was estimated", () => {
  const names = new SnapshotNames(SNAPSHOT_ID);
  const db = openPlatformDatabase();
  db.exec(createPagesSql(names));
  const add = (sql: string): void => db.exec(`INSERT INTO "${names.pages}" (n, total, r) ${sql}`);
  add("VALUES (0, NULL, zeroblob(1000)), (5, NULL, zeroblob(500)), (6, NULL, NULL)");
  db.exec(sumPagesSql(names, { first: 0, last: 6 }));
  const sums = `SELECT n, total FROM "${names.pages}" WHERE n < 0 ORDER BY n`;
  expect(db.prepare(sums).all()).toEqual([{ n: -7, total: 1500 }]);
  add("VALUES (7, NULL, zeroblob(20))");
  db.exec(sumPagesSql(names, { first: 7, last: 7 }));
  expect(db.prepare(sums).all()).toMatchObject([{ n: -8, total: 1520 }, { n: -7 }]);
  add(`SELECT -9, ${PAGES_BYTES_MAX} - 10, NULL UNION ALL SELECT 8, NULL, zeroblob(11)`);
  expect(() => db.exec(sumPagesSql(names, { first: 8, last: 8 }))).toThrow("CHECK");
});

test("adds up the bytes of all pages", async () => {
  const tables = Array.from({ length: 70 }, (_, n) => `CREATE TABLE t${n}(a)`);
  const { db } = await freezeDatabase(
    `${tables.join(";")}; INSERT INTO t0 VALUES (1); INSERT INTO t69 VALUES (22)`,
  );
  const { pages } = new SnapshotNames(SNAPSHOT_ID);
  const sums = db.prepare(`SELECT total FROM "${pages}" WHERE n < 0 ORDER BY n DESC`).all();
  expect(sums.length).toBe(3);
  expect(sums[0]).toEqual({ total: sumOf(db, pages, 31) });
  expect(sums[2]).toEqual({ total: sumOf(db, pages, 69) });
});

function sumOf(db: DatabaseSync, pages: string, last: number): unknown {
  const sql = `SELECT sum(length(r)) AS sum FROM "${pages}" WHERE n BETWEEN 0 AND ${last}`;
  return db.prepare(sql).get()?.["sum"];
}

test("has no object for a table whose page is kept, and reads many pages in one call", async () => {
  const tables = Array.from(
    { length: 120 },
    (_, n) =>
      `CREATE TABLE t${n}(id INTEGER PRIMARY KEY, a); INSERT INTO t${n} VALUES (${n}, 'it''s'), (9${n}, 2)`,
  );
  const frozen = await freezeDatabase(tables.join("; "), { manyTables: 0 });
  expect(snapshotObjects(frozen.db).length).toBeLessThan(8);
  let calls = 0;
  const counted: Source = {
    ...frozen.source,
    transaction: (statements) => {
      calls += 1;
      return frozen.source.transaction(statements);
    },
  };
  const { plan, record, catalog } = frozen.opened;
  const pieces: Uint8Array[] = [];
  for await (const piece of readDump({
    reader: new SnapshotReader(counted, record, { undoBytesMax: 1e9 }),
    plan,
    createEncoder: planDump({ source: "main", format: "sql", content: "all" }, catalog)
      .createEncoder,
    cursor: CURSOR_START,
  })) {
    pieces.push(...piece.bytes.map((bytes) => bytes.slice()));
  }
  expect(Buffer.from(concatBytes(pieces)).toString()).toBe(frozen.expected);
  expect(calls).toBeLessThanOrEqual(2);
});

test.each([
  ["text is longer than it seemed", "UPDATE t1 SET a = zeroblob(1500000) WHERE id = 200"],
  ["rows are more than they were", "INSERT INTO t1(id) SELECT id + 300 + 200 * b FROM t1, n"],
])("watches all tables if the page of one cannot be kept, because its %s", async (_, change) => {
  const fill =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) SELECT i, 'x' FROM n";
  const db = openPlatformDatabase();
  db.exec(
    ["t0", "t1", "t2"]
      .map((name) => `CREATE TABLE ${name}(id INTEGER PRIMARY KEY, a); INSERT INTO ${name} ${fill}`)
      .join("; "),
  );
  db.exec(
    "CREATE TABLE n(b); INSERT INTO n WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60) SELECT i FROM n",
  );
  const plain = nodeSqliteSource(db);
  let openings = 0;
  const changing: Source = {
    ...plain,
    transaction: (statements) => {
      if (statements.some(({ sql }) => sql.startsWith("CREATE TABLE"))) {
        if (openings === 0) db.exec(change);
        openings += 1;
      }
      return plain.transaction(statements);
    },
  };
  const { record } = await freeze(changing, { manyTables: 1 });
  expect(openings).toBe(2);
  expect(record.tables.map(({ heldBy }) => heldBy)).toEqual(["undo", "undo", "undo", "undo"]);
  await closeSnapshot(plain, record.snapshotId);
  expect(snapshotObjects(db)).toEqual([]);
});

test("keeps more bytes if each page takes less time than triggers would", async () => {
  const fill = (name: string, bytes: number): string =>
    `CREATE TABLE ${name}(id INTEGER PRIMARY KEY, a); INSERT INTO ${name} VALUES (1, zeroblob(${bytes}))`;
  const tables = [
    ...Array.from({ length: 850 }, (_, n) => fill(`small_${n}`, 60_000)),
    ...Array.from({ length: 60 }, (_, n) => fill(`larger_${n}`, 100_000)),
  ];
  const db = openPlatformDatabase();
  db.exec(tables.join("; "));
  const { record } = await freeze(nodeSqliteSource(db));
  const held = record.tables.map(({ name, heldBy }) => `${name.split("_")[0]} ${heldBy}`);
  expect(new Set(held)).toEqual(new Set(["small page", "larger undo"]));
});
