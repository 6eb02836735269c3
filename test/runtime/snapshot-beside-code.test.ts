import { env } from "cloudflare:workers";
import { beforeEach, expect, test } from "vitest";

import { closeSnapshot } from "../../src/reading/snapshot/close-snapshot.ts";
import { d1Source } from "../../src/databases/d1/d1-source.ts";
import { durableObjectSource } from "../../src/databases/durable-object/durable-object-source.ts";
import { CURSOR_START } from "../../src/rpc/cursor.ts";
import { DUMP_FORMATS } from "../../src/formats/dump-formats.ts";
import { concatBytes } from "../../src/lib/bytes.ts";
import { readDump } from "../../src/reading/dump-reader.ts";
import { SnapshotReader } from "../../src/reading/snapshot/snapshot-reader.ts";
import { emptyDatabase, query } from "../support/api.ts";
import { dumpDatabase } from "../support/dump-database.ts";
import { freeze, SNAPSHOT_ID } from "../support/frozen-database.ts";

beforeEach(emptyDatabase);

const object = env.DATABASE_DURABLE_OBJECT.getByName("sql-durable-object");
const source = durableObjectSource(() => object);
const { SHOP_DB: shop } = env as unknown as { SHOP_DB: D1Database };

/** Results of statements that run in one turn of the object, as the customer's code would. */
function run(...sql: string[]): Promise<unknown> {
  return object.executeTransaction(
    sql.map((each) => ({ sql: each })),
    false,
  );
}

const COUNTS = "SELECT changes() AS changed, last_insert_rowid() AS rowid";

test("changes() and last_insert_rowid() are what they are without a snapshot", async () => {
  await query("CREATE TABLE t(id INTEGER PRIMARY KEY, a)", "INSERT INTO t VALUES (1, 1), (2, 2)");
  await freeze(source);
  expect(await run("INSERT INTO t VALUES (77, 'new')", COUNTS)).toEqual([
    [],
    [{ changed: 1, rowid: 77 }],
  ]);
  expect(await run("UPDATE t SET a = 'q' WHERE id < 3", COUNTS)).toEqual([
    [],
    [{ changed: 2, rowid: 77 }],
  ]);
  expect(await run("REPLACE INTO t VALUES (2, 'r')", COUNTS)).toEqual([
    [],
    [{ changed: 1, rowid: 2 }],
  ]);
  expect(await run("DELETE FROM t", COUNTS)).toEqual([[], [{ changed: 3, rowid: 2 }]]);
  await closeSnapshot(source, SNAPSHOT_ID);
});

test("D1 counts the rows that triggers write in meta.changes, until the snapshot is closed", async () => {
  await shop.exec("DROP TABLE IF EXISTS t");
  await shop.exec("CREATE TABLE t(id INTEGER PRIMARY KEY, a)");
  await shop.exec("INSERT INTO t VALUES (1, 1), (2, 2), (3, 3)");
  const changesOf = async (sql: string): Promise<number> =>
    (await shop.prepare(sql).run()).meta.changes;
  const d1 = d1Source(shop, "shop");
  await freeze(d1);
  // The row, its copy in the log, and the count of the log's bytes.
  expect(await changesOf("UPDATE t SET a = 'x' WHERE id = 1")).toBe(3);
  expect(await changesOf("UPDATE t SET a = 'y' WHERE id = 1")).toBe(1);
  expect(await changesOf("DELETE FROM t WHERE id = 2")).toBe(3);
  expect(await changesOf("INSERT INTO t VALUES (4, 4)")).toBe(1);
  await closeSnapshot(d1, SNAPSHOT_ID);
  expect(await changesOf("UPDATE t SET a = 'z' WHERE id = 3")).toBe(1);
  await shop.exec("DROP TABLE t");
});

test("a table of 100 columns is read as it was, and lets other tables be altered", async () => {
  const columns = Array.from({ length: 100 }, (_, n) => `c${n}`);
  await query(
    `CREATE TABLE wide(${columns.join(", ")})`,
    "CREATE TABLE other(a, b)",
    `INSERT INTO wide VALUES (${columns.map((_, n) => n).join(", ")})`,
    `INSERT INTO wide VALUES (${columns.map((name) => `'${name}'`).join(", ")})`,
  );
  const expected = (await dumpDatabase(source)).bytes;
  const { plan, record } = await freeze(source);
  await run(
    "UPDATE wide SET c99 = 'changed', c0 = NULL WHERE rowid = 1",
    "DELETE FROM wide WHERE rowid = 2",
  );
  await run("INSERT INTO wide(c5) VALUES ('new')");
  await query("ALTER TABLE other RENAME COLUMN b TO c", "ALTER TABLE other RENAME COLUMN c TO b");
  const reader = new SnapshotReader(source, record, { undoBytesMax: 1e9 });
  const pieces: Uint8Array[] = [];
  const { createEncoder } = DUMP_FORMATS.sql;
  for await (const piece of readDump({ reader, plan, createEncoder, cursor: CURSOR_START })) {
    pieces.push(...piece.bytes.map((bytes) => bytes.slice()));
  }
  expect(new TextDecoder().decode(concatBytes(pieces))).toBe(new TextDecoder().decode(expected));
  await closeSnapshot(source, SNAPSHOT_ID);
});

test("warns of triggers that leave it no level, and SQLite says so to who writes", async () => {
  const chain = async (levels: number): Promise<void> => {
    const tables = Array.from({ length: levels + 1 }, (_, n) => `t${n}`);
    await query(
      ...tables.map((name) => `CREATE TABLE ${name}(a)`),
      ...tables.map((name) => `INSERT INTO ${name} VALUES (1)`),
      ...tables
        .slice(0, -1)
        .map(
          (name, n) =>
            `CREATE TRIGGER on_${name} AFTER UPDATE ON ${name} BEGIN UPDATE t${n + 1} SET a = a + 1; END`,
        ),
    );
  };
  await chain(8);
  const { warnings } = await freeze(source);
  expect(warnings).toEqual([]);
  await run("UPDATE t0 SET a = 2");
  await closeSnapshot(source, SNAPSHOT_ID);

  await emptyDatabase();
  await chain(9);
  await run("UPDATE t0 SET a = 2");
  const opened = await freeze(source);
  expect(opened.warnings).toEqual([
    expect.stringContaining('triggers may go 9 levels deep from table "t0"'),
  ]);
  const refused = "too many levels of trigger recursion";
  await expect(query("UPDATE t0 SET a = 3")).rejects.toThrow(refused);
  await run("UPDATE t1 SET a = 3");
  await closeSnapshot(source, SNAPSHOT_ID);
});
