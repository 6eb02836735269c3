import { expect, test } from "vitest";

import { ExportError } from "../../api/errors.ts";
import { DATABASE_BYTES_MAX, MIB } from "../../api/limits.ts";
import type { Table } from "../../sqlite/catalog.ts";
import type { Source } from "../../databases/source.ts";
import { closeSnapshot } from "./close-snapshot.ts";
import {
  freeze,
  freezeDatabase,
  type FrozenDatabase,
  snapshotObjects,
  SNAPSHOT_ID,
} from "../../../test/support/frozen-database.ts";
import {
  nodeSqliteSource,
  openPlatformDatabase,
} from "../../../test/support/node-sqlite-source.ts";

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "none";
  } catch (error) {
    if (error instanceof ExportError) return error.code;
    throw error;
  }
}

function undoBytes({ db }: FrozenDatabase): number {
  const state = snapshotObjects(db).find((name) => name.endsWith("_state")) ?? "";
  const row = db.prepare(`SELECT undo_bytes AS bytes FROM "${state}"`).get() as { bytes: number };
  return row.bytes;
}

/** Reads nothing of the first table but the check that each page brings along. */
function check({ reader, opened }: FrozenDatabase, undoBytesMax?: number): Promise<unknown> {
  return reader(undoBytesMax).readRows(opened.plan.tables[0] as Table, () => []);
}

const ROW_BYTES = 1_000;

/** 3 MB of rows. */
const rowsOf = (table: string): string =>
  `INSERT INTO ${table}(a, b) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
   SELECT i, hex(zeroblob(${ROW_BYTES / 2})) FROM n`;

test.each([
  ["an integer key", "CREATE TABLE t(id INTEGER PRIMARY KEY, a, b)"],
  ["a key of its own", "CREATE TABLE t(a PRIMARY KEY, b) WITHOUT ROWID"],
  [
    "two undo tables",
    `CREATE TABLE t(a, b, ${Array.from({ length: 97 }, (_, n) => `c${n}`).join(", ")}, z)`,
  ],
])("stops at its bound within one statement on a table with %s", async (_what, create) => {
  for (const write of ["UPDATE t SET b = 1", "DELETE FROM t", "UPDATE t SET a = -a"]) {
    const frozen = await freezeDatabase(`${create}; ${rowsOf("t")}`, { undoBytesMax: MIB });
    frozen.db.exec(write);
    expect(undoBytes(frozen)).toBeGreaterThan(MIB);
    expect(undoBytes(frozen)).toBeLessThan(MIB + 2 * ROW_BYTES);
    expect(await codeOf(check(frozen))).toBe("undo-too-large");
  }
});

test.each([
  ["an integer key", "id INTEGER PRIMARY KEY, a, b, UNIQUE(a, b))"],
  ["a key of its own", "id, a, b, UNIQUE(a, b), PRIMARY KEY (a, b)) WITHOUT ROWID"],
])("stops at its bound while one row replaces many of a table with %s", async (_what, columns) => {
  const frozen = await freezeDatabase(
    `CREATE TABLE t(${columns};
     CREATE TRIGGER r BEFORE UPDATE OF a ON t WHEN NEW.a = -1 BEGIN UPDATE t SET b = b WHERE id = OLD.id; END;
     ${rowsOf("t")}`,
    { undoBytesMax: MIB },
  );
  frozen.db.exec("UPDATE OR REPLACE t SET a = -2 WHERE a = 7");
  expect(undoBytes(frozen)).toBeGreaterThan(MIB);
  expect(undoBytes(frozen)).toBeLessThan(MIB + 2 * ROW_BYTES);
});

test("copies and looks up nothing more once its bound is passed, and cannot be renewed", async () => {
  const frozen = await freezeDatabase(
    `CREATE TABLE t(id INTEGER PRIMARY KEY, a UNIQUE, b); INSERT INTO t VALUES (1, 1, 'x'), (2, 2, 'y'), (3, 3, 'z')`,
    { undoBytesMax: 5 },
  );
  frozen.db.exec("UPDATE t SET b = hex(zeroblob(1000)) WHERE id < 3");
  const bytes = undoBytes(frozen);
  expect(bytes).toBeGreaterThan(5);
  expect(await codeOf(check(frozen))).toBe("undo-too-large");
  frozen.db.exec("UPDATE t SET b = 1; REPLACE INTO t VALUES (9, 3, 'w'); DELETE FROM t");
  expect(undoBytes(frozen)).toBe(bytes);
  expect(await codeOf(check(frozen))).toBe("undo-too-large");
});

test("keeps the bound that it was opened with, whatever is configured later", async () => {
  const frozen = await freezeDatabase(
    "CREATE TABLE t(id INTEGER PRIMARY KEY, a); INSERT INTO t VALUES (1, 'abc'), (2, 'def')",
    { undoBytesMax: 6 },
  );
  frozen.db.exec("UPDATE t SET a = 'x' WHERE id = 1");
  expect(await codeOf(check(frozen, 1))).toBe("none");
  frozen.db.exec("UPDATE t SET a = 'x' WHERE id = 2");
  expect(await codeOf(check(frozen, 1e9))).toBe("undo-too-large");
});

test("opens only if its bound fits into the platform's largest database beside the data", async () => {
  const db = openPlatformDatabase();
  db.exec("CREATE TABLE t(id INTEGER PRIMARY KEY, a)");
  const plain = nodeSqliteSource(db);
  const sized = (databaseBytes: number): Source => ({
    ...plain,
    query: async (statement) => ({ ...(await plain.query(statement)), databaseBytes }),
  });
  const open = (databaseBytes: number): Promise<string> =>
    codeOf(freeze(sized(databaseBytes), { undoBytesMax: MIB }));
  expect(await open(DATABASE_BYTES_MAX - MIB + 1)).toBe("no-space-for-snapshot");
  expect(snapshotObjects(db)).toEqual([]);
  expect(await open(DATABASE_BYTES_MAX - MIB)).toBe("none");
  await closeSnapshot(plain, SNAPSHOT_ID);
  // With so many tables, their pages are kept.
  db.exec("INSERT INTO t VALUES (1, zeroblob(5000))");
  for (let n = 0; n < 60; n += 1) db.exec(`CREATE TABLE t${n}(a)`);
  expect(await open(DATABASE_BYTES_MAX - MIB - 4_000)).toBe("no-space-for-snapshot");
  expect(await open(DATABASE_BYTES_MAX - MIB - 6_000)).toBe("none");
});
