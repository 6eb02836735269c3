import { expect, test } from "vitest";

import type { Source } from "../../databases/source.ts";
import { planDump } from "../../formats/plan-dump.ts";
import { concatBytes } from "../../lib/bytes.ts";
import { CURSOR_START } from "../../rpc/cursor.ts";
import { readDump } from "../dump-reader.ts";
import { closeSnapshot } from "./close-snapshot.ts";
import { SnapshotReader } from "./snapshot-reader.ts";
import { freeze, freezeDatabase, snapshotObjects } from "../../../test/support/frozen-database.ts";
import {
  nodeSqliteSource,
  openPlatformDatabase,
} from "../../../test/support/node-sqlite-source.ts";

test("of many tables keeps a page of the smallest ones, and watches as many as without", async () => {
  const small = Array.from(
    { length: 60 },
    (_, n) =>
      `CREATE TABLE small_${n}(a TEXT, b); INSERT INTO small_${n} VALUES ('${"x".repeat(n)}', ${n})`,
  );
  const { db, dump, expected, opened } = await freezeDatabase(
    `${small.join("; ")}; CREATE TABLE empty(a PRIMARY KEY) WITHOUT ROWID;
     CREATE TABLE sparse(id INTEGER PRIMARY KEY); INSERT INTO sparse VALUES (1), (1000000);
     CREATE TABLE large(id INTEGER PRIMARY KEY);
     INSERT INTO large WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 101) SELECT i FROM n`,
  );
  const held = new Map(opened.record.tables.map(({ name, heldBy }) => [name, heldBy]));
  expect(held.get("large")).toBe("undo");
  expect(held.get("small_59")).toBe("undo");
  for (const name of ["empty", "sparse", "small_0", "small_9"]) expect(held.get(name)).toBe("page");
  expect([...held.values()].filter((by) => by === "undo").length).toBe(50);
  db.exec(
    "UPDATE small_3 SET b = 0; DELETE FROM small_4; DELETE FROM large; INSERT INTO empty VALUES (1); " +
      "DELETE FROM sparse; UPDATE small_59 SET a = 'y'; DROP TABLE small_5",
  );
  expect(await dump()).toBe(expected);
});

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
