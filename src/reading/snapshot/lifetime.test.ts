import { expect, test } from "vitest";

import { ExportError } from "../../api/errors.ts";
import { closeSnapshot, sweepSnapshots } from "./close-snapshot.ts";
import type { Source, SourceResult, SourceStatement } from "../../databases/source.ts";
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

const OTHER_ID = "ffff0000-0000-4000-8000-000000000002";

const ROWS = `CREATE TABLE t(id INTEGER PRIMARY KEY, a); CREATE TABLE u(a TEXT UNIQUE);
  INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c'); INSERT INTO u VALUES ('x'), ('y')`;

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "none";
  } catch (error) {
    if (error instanceof ExportError) return error.code;
    throw error;
  }
}

const stateOf = (objects: string[]): string =>
  `"${objects.find((name) => name.endsWith("_state")) ?? ""}"`;

test("leaves nothing behind once it is closed, and may be closed again", async () => {
  const { db, source } = await freezeDatabase(ROWS);
  db.exec("UPDATE t SET a = 'z'; DELETE FROM u");
  await closeSnapshot(source, SNAPSHOT_ID);
  await closeSnapshot(source, SNAPSHOT_ID);
  expect(snapshotObjects(db)).toEqual([]);
  db.exec("UPDATE t SET a = 'y'; INSERT INTO u VALUES ('z')");
});

/** `source` as one that rolls nothing back and is gone for good behind so many statements of a transaction. */
function dyingSource(source: Source, statements: number): Source {
  let left = statements;
  const run = async (statement: SourceStatement): Promise<SourceResult> => {
    if (left === 0) throw new ExportError("source-unavailable", "the object was reset");
    left -= 1;
    return source.query(statement);
  };
  return {
    ...source,
    query: (statement) => (left === 0 ? run(statement) : source.query(statement)),
    transaction: async (all) => {
      const results = [];
      for (const statement of all) results.push(await run(statement));
      return results;
    },
  };
}

const WRITES =
  "UPDATE t SET a = a || 1; INSERT INTO t(a) VALUES ('n'); UPDATE t SET id = id + 100 WHERE id = 2; " +
  "DELETE FROM t WHERE id = 1; REPLACE INTO u VALUES ('x'); DELETE FROM u; REPLACE INTO w VALUES ('k', 2)";
const KEYED = "CREATE TABLE w(a PRIMARY KEY, b) WITHOUT ROWID; INSERT INTO w VALUES ('k', 1)";

test("lets writers alone wherever its closing was cut off", async () => {
  const { db } = await freezeDatabase(`${ROWS}; ${KEYED}`);
  const objects = snapshotObjects(db).length;
  for (let dropped = 0; dropped < objects; dropped += 1) {
    const frozen = await freezeDatabase(`${ROWS}; ${KEYED}`);
    frozen.db.exec("UPDATE t SET a = 'z' WHERE id = 1");
    const dying = dyingSource(frozen.source, dropped);
    expect(await codeOf(closeSnapshot(dying, SNAPSHOT_ID))).toBe("source-unavailable");
    frozen.db.exec(WRITES);
    await closeSnapshot(frozen.source, SNAPSHOT_ID);
    expect(snapshotObjects(frozen.db)).toEqual([]);
  }
});

test("lets writers alone wherever its opening was cut off", async () => {
  let isOpened = false;
  for (let statements = 8; !isOpened; statements += 1) {
    const db = openPlatformDatabase();
    db.exec(`${ROWS}; ${KEYED}`);
    const source = nodeSqliteSource(db);
    const code = await codeOf(freeze(dyingSource(source, statements)));
    isOpened = code === "none";
    expect(["none", "source-unavailable"]).toContain(code);
    db.exec(WRITES);
    await closeSnapshot(source, SNAPSHOT_ID);
    expect(snapshotObjects(db)).toEqual([]);
  }
});

test("is refused where another job's snapshot is alive", async () => {
  const { source } = await freezeDatabase(ROWS);
  expect(await codeOf(freeze(source, { snapshotId: OTHER_ID, jobId: "other" }))).toBe(
    "snapshot-busy",
  );
});

test("takes the place of one whose job is over, whose lease has run out, or that was never finished", async () => {
  const over = await freezeDatabase(ROWS);
  await freeze(over.source, { snapshotId: OTHER_ID, jobId: "other", isLeftover: () => true });
  expect(snapshotObjects(over.db).every((name) => name.includes("ffff0000"))).toBe(true);

  const old = await freezeDatabase(ROWS);
  old.db.exec(`UPDATE ${stateOf(snapshotObjects(old.db))} SET lease_until = unixepoch()`);
  await freeze(old.source, { snapshotId: OTHER_ID, jobId: "other" });
  expect(snapshotObjects(old.db).every((name) => name.includes("ffff0000"))).toBe(true);

  const half = openPlatformDatabase();
  half.exec(`${ROWS}; CREATE TABLE tmp_export_snapshot_0123abcd00004000_t3_undo(a)`);
  await freeze(nodeSqliteSource(half), { snapshotId: OTHER_ID });
  expect(snapshotObjects(half).every((name) => name.includes("ffff0000"))).toBe(true);
});

test("takes the place of one that its own reader removes meanwhile", async () => {
  const { db, source } = await freezeDatabase(ROWS);
  let isRemoved = false;
  const racing: Source = {
    ...source,
    query: async (statement) => {
      if (!isRemoved && statement.sql.startsWith("SELECT snapshot_id, job_id")) {
        isRemoved = true;
        await closeSnapshot(source, SNAPSHOT_ID);
      }
      return source.query(statement);
    },
  };
  expect(await sweepSnapshots(racing, () => false)).toEqual({ kept: [], tablesLeft: 0 });
  expect([isRemoved, snapshotObjects(db)]).toEqual([true, []]);
});

test("is opened anew by the next try of its own job, whose late close harms nobody", async () => {
  const { db, source } = await freezeDatabase(ROWS);
  await freeze(source, { snapshotId: OTHER_ID, isLeftover: ({ jobId }) => jobId === "job" });
  const objects = snapshotObjects(db);
  await closeSnapshot(source, SNAPSHOT_ID);
  expect(snapshotObjects(db)).toEqual(objects);
  const { kept: others } = await sweepSnapshots(source, () => false);
  expect(others).toEqual([{ snapshotId: OTHER_ID, jobId: "job", hasLease: true }]);
});

test("lets writers alone and is lost to readers once its lease has run out", async () => {
  const { db, dump } = await freezeDatabase(ROWS);
  const state = stateOf(snapshotObjects(db));
  db.exec(`UPDATE ${state} SET lease_until = unixepoch() + 30`);
  expect(await codeOf(dump())).toBe("snapshot-lost");
  db.exec(`UPDATE ${state} SET lease_until = unixepoch(); UPDATE t SET a = 'z'`);
  expect(db.prepare(`SELECT undo_bytes FROM ${state}`).get()).toEqual({ undo_bytes: 0 });
});

test("has its lease renewed by pages once half of it is gone", async () => {
  const { db, dump } = await freezeDatabase(ROWS);
  const state = stateOf(snapshotObjects(db));
  db.exec(`UPDATE ${state} SET lease_until = unixepoch() + 600`);
  await dump();
  const { left } = db.prepare(`SELECT lease_until - unixepoch() AS left FROM ${state}`).get() as {
    left: number;
  };
  expect(left).toBeGreaterThan(1_700);
});

test("is lost where a table was dropped, also where it was made anew with the same text", async () => {
  const dropped = await freezeDatabase(ROWS);
  dropped.db.exec("DROP TABLE t");
  expect(await codeOf(dropped.dump())).toBe("snapshot-lost");
  const anew = await freezeDatabase(ROWS);
  anew.db.exec(
    "DROP TABLE t; CREATE TABLE t(id INTEGER PRIMARY KEY, a); INSERT INTO t VALUES (1, 'other')",
  );
  expect(await codeOf(anew.reader().requireIntact(new Set()))).toBe("snapshot-lost");
  expect(await codeOf(anew.reader().requireIntact(new Set(["t"])))).toBe("none");
});

test.each([
  [
    "columns",
    "CREATE TABLE t(id INTEGER PRIMARY KEY, a, b); INSERT INTO t VALUES (1, 'a', 'b'), (2, 'c', 'd')",
    "ALTER TABLE t RENAME COLUMN a TO x; ALTER TABLE t RENAME COLUMN b TO a; ALTER TABLE t RENAME COLUMN x TO b",
  ],
  [
    "columns of a row that is changed then",
    "CREATE TABLE t(id INTEGER PRIMARY KEY, a, b); INSERT INTO t VALUES (1, 'a', 'b'), (2, 'c', 'd')",
    `ALTER TABLE t RENAME COLUMN a TO x; ALTER TABLE t RENAME COLUMN b TO a; ALTER TABLE t RENAME COLUMN x TO b;
     UPDATE t SET a = 'new' WHERE id = 1`,
  ],
  [
    "tables",
    `CREATE TABLE "t"(id INTEGER PRIMARY KEY, a); CREATE TABLE "u"(id INTEGER PRIMARY KEY, a);
     INSERT INTO t VALUES (1, 'of t'); INSERT INTO u VALUES (1, 'of u')`,
    "ALTER TABLE t RENAME TO x; ALTER TABLE u RENAME TO t; ALTER TABLE x RENAME TO u",
  ],
])("is lost to the page that would read swapped %s", async (_what, script, swap) => {
  const { db, dump, reader } = await freezeDatabase(script);
  db.exec(swap);
  expect(await codeOf(dump())).toBe("snapshot-lost");
  if (!swap.includes("COLUMN")) {
    expect(await codeOf(reader().requireIntact(new Set()))).toBe("snapshot-lost");
  }
});

test("lets columns be added meanwhile, and SQLite says whose trigger keeps one from being dropped", async () => {
  const { db } = await freezeDatabase(ROWS);
  db.exec(
    "ALTER TABLE t ADD COLUMN later; UPDATE t SET later = 1; INSERT INTO t(a) VALUES ('new'); DELETE FROM t",
  );
  expect(() => db.exec("ALTER TABLE t DROP COLUMN a")).toThrow(
    /tmp_export_snapshot_0123abcd00004000_t0_on_/,
  );
});

test("of 100 columns lets other tables be altered", async () => {
  const columns = Array.from({ length: 100 }, (_, n) => `c${n}`).join(", ");
  const { db } = await freezeDatabase(
    `CREATE TABLE wide(${columns}); CREATE TABLE other(a, b); INSERT INTO wide(c0) VALUES (1)`,
  );
  db.exec("ALTER TABLE other RENAME COLUMN b TO c; ALTER TABLE other RENAME TO another");
});

test("of a table whose triggers would be too long is refused", async () => {
  // Our quotes double each of these.
  const columns = Array.from({ length: 100 }, (_, n) => `[${`${n}`.padEnd(850, '"')}]`);
  const db = openPlatformDatabase();
  db.exec(`CREATE TABLE wide(${columns.join(", ")})`);
  expect(await codeOf(freeze(nodeSqliteSource(db)))).toBe("table-too-wide-for-snapshot");
  expect(snapshotObjects(db)).toEqual([]);
});

test("of a table with long names has several triggers for an event, each of which is missed", async () => {
  const names = Array.from({ length: 60 }, (_, n) => `"${String(n).padEnd(490, "x")}"`);
  const columns = names.map((name, n) => (n < 4 ? `${name} UNIQUE` : name));
  const script = `CREATE TABLE t(${columns.join(", ")}); INSERT INTO t(${names[0]}) VALUES (1), (2)`;
  const { db } = await freezeDatabase(script);
  const triggers = snapshotObjects(db).filter((name) => name.includes("_t0_on_"));
  expect(triggers.length).toBeGreaterThan(5);
  for (const name of triggers) {
    const frozen = await freezeDatabase(script);
    await frozen.reader().requireIntact(new Set());
    frozen.db.exec(`DROP TRIGGER "${name}"`);
    expect(await codeOf(frozen.reader().requireIntact(new Set()))).toBe("snapshot-lost");
  }
});

test("keeps columns called true and false of many small tables", async () => {
  const tables = Array.from(
    { length: 51 },
    (_, n) =>
      `CREATE TABLE t${n}(id INTEGER PRIMARY KEY, "true" INT, "false" INT, ""); INSERT INTO t${n} VALUES (1, 10, 20, 30)`,
  );
  const { db, dump, expected } = await freezeDatabase(tables.join("; "));
  for (const n of tables.keys()) db.exec(`UPDATE t${n} SET "true" = 0, "" = 1`);
  expect(expected).toContain("(1,10,20,30)");
  expect(await dump()).toBe(expected);
});

test("has five triggers for each table with an integer key, and one log for all of them", async () => {
  const create = (tables: number): string =>
    Array.from(
      { length: tables },
      (_, n) => `CREATE TABLE t${n}(id INTEGER PRIMARY KEY, a); INSERT INTO t${n} VALUES (${n}, 1)`,
    ).join("; ");
  const countOf = async (tables: number): Promise<number> =>
    snapshotObjects((await freezeDatabase(create(tables))).db).length;
  const one = await countOf(1);
  expect(one).toBeLessThan(20);
  expect(await countOf(3)).toBe(one + 10);
});

test("warns of what triggers cannot watch where it is too large to be copied", async () => {
  const db = openPlatformDatabase();
  db.exec("CREATE VIRTUAL TABLE f USING fts5(a)");
  const insert = db.prepare("INSERT INTO f VALUES (?)");
  for (let row = 0; row < 17; row += 1) insert.run("x".repeat(1_000_000));
  const { warnings, record } = await freeze(nodeSqliteSource(db));
  expect(record.tables).toMatchObject([{ name: "f", heldBy: "nothing" }]);
  expect(warnings).toEqual([expect.stringContaining('table "f" is exported as it is')]);
});

test("leaves changes() and last_insert_rowid() as they were", async () => {
  const { db } = await freezeDatabase(ROWS);
  db.exec("INSERT INTO t VALUES (77, 'new')");
  const source = nodeSqliteSource(db);
  await closeSnapshot(source, SNAPSHOT_ID);
  await freeze(source);
  const rowid = "SELECT last_insert_rowid() AS id";
  expect(db.prepare(rowid).get()).toEqual({ id: 77 });
  db.exec("UPDATE t SET a = 'q' WHERE id IN (1, 2)");
  expect(db.prepare("SELECT changes() AS n").get()).toEqual({ n: 2 });
  expect(db.prepare(rowid).get()).toEqual({ id: 77 });
});

/** `source` as one whose DROP TABLE fails as long as `isLocked`. */
function lockableSource(source: Source, isLocked: () => boolean): Source {
  const run = async (statement: SourceStatement): Promise<SourceResult> => {
    if (isLocked() && statement.sql.startsWith("DROP TABLE")) {
      throw new ExportError("source-unavailable", "database table is locked: SQLITE_LOCKED");
    }
    return source.query(statement);
  };
  return {
    ...source,
    query: run,
    transaction: async (all) => {
      const results = [];
      for (const statement of all) results.push(await run(statement));
      return results;
    },
  };
}

test("is closed without its tables while they are locked, and another one is opened beside them", async () => {
  const { db, source } = await freezeDatabase(ROWS);
  db.exec("UPDATE t SET a = 'z'");
  let isLocked = true;
  const lockable = lockableSource(source, () => isLocked);
  const left = await closeSnapshot(lockable, SNAPSHOT_ID);
  const tables = snapshotObjects(db);
  expect(left).toBe(tables.length);
  expect(left).toBeGreaterThan(0);
  for (const name of tables) {
    const { type } = db.prepare("SELECT type FROM sqlite_master WHERE name = ?").get(name) as {
      type: string;
    };
    expect([name, type]).toEqual([name, "table"]);
    expect([name, db.prepare(`SELECT * FROM "${name}"`).all()]).toEqual([name, []]);
  }
  db.exec(WRITES.replaceAll(/; REPLACE INTO w.*$/g, ""));

  await freeze(lockable, { snapshotId: OTHER_ID, jobId: "other" });
  isLocked = false;
  await closeSnapshot(lockable, OTHER_ID);
  expect(snapshotObjects(db)).toEqual(tables);
  await sweepSnapshots(lockable, () => false);
  expect(snapshotObjects(db)).toEqual([]);
});

test.each(["guard", "count"])("is lost once the %s trigger of its log is dropped", async (name) => {
  const { db, opened, reader } = await freezeDatabase(ROWS);
  await reader().requireIntact(new Set());
  const trigger = snapshotObjects(db).find((each) => each.endsWith(`_${name}`)) ?? "";
  expect(opened.record.logTriggers).toBeGreaterThan(0);
  db.exec(`DROP TRIGGER "${trigger}"`);
  expect(await codeOf(reader().requireIntact(new Set()))).toBe("snapshot-lost");
});

test("is lost once a trigger of a table's own log is dropped", async () => {
  const { db, reader } = await freezeDatabase(`${ROWS}; ${KEYED}`);
  const own = snapshotObjects(db).find((each) => /_t\d+_count$/.test(each)) ?? "";
  db.exec(`DROP TRIGGER "${own}"`);
  expect(await codeOf(reader().requireIntact(new Set()))).toBe("snapshot-lost");
});

test("reads no more of a table that it cannot watch than shows whether it may be copied", async () => {
  const db = openPlatformDatabase();
  db.exec("CREATE VIRTUAL TABLE f USING fts5(a); CREATE VIRTUAL TABLE g USING fts5(a)");
  db.exec(
    `WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000)
       INSERT INTO f SELECT printf('%.10000c', 'x') FROM n;
     WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40000)
       INSERT INTO g SELECT i FROM n`,
  );
  const plain = nodeSqliteSource(db);
  const looks: { table: string; rows: number; bytes: number }[] = [];
  const source: Source = {
    ...plain,
    transaction: async (statements) => {
      const results = await plain.transaction(statements);
      for (const [at, { sql }] of statements.entries()) {
        const table = /FROM "(.)" AS t\) SELECT count\(\*\), .* LIMIT/.exec(sql)?.[1];
        const [rows, bytes] = (results[at]?.rows[0] ?? []).map(Number);
        if (table !== undefined) looks.push({ table, rows: rows ?? 0, bytes: bytes ?? 0 });
      }
      return results;
    },
  };
  const { record } = await freeze(source);
  expect(record.tables).toMatchObject([
    { name: "f", heldBy: "nothing" },
    { name: "g", heldBy: "copy" },
  ]);
  const largest = Math.max(...looks.map(({ bytes }) => bytes));
  expect(largest).toBeGreaterThan(16 * 1024 * 1024);
  expect(largest).toBeLessThan(17 * 1024 * 1024);
  expect(looks.filter(({ table }) => table === "f").map(({ rows }) => rows)).toEqual([
    8, 64, 512, 1679,
  ]);
});

test("of more large tables than one turn can open is refused before it is tried", async () => {
  const db = openPlatformDatabase();
  const values = Array.from({ length: 20 }, (_, row) => `(${row * 1_000}, 1)`).join(", ");
  db.exec("BEGIN");
  for (let n = 0; n <= 1_000; n += 1) {
    db.exec(`CREATE TABLE t${n}(id INTEGER PRIMARY KEY, a); INSERT INTO t${n} VALUES ${values}`);
  }
  db.exec("COMMIT");
  const plain = nodeSqliteSource(db);
  const source: Source = {
    ...plain,
    transaction: (statements) => {
      expect(statements.every(({ sql }) => !sql.startsWith("CREATE"))).toBe(true);
      return plain.transaction(statements);
    },
  };
  await expect(freeze(source)).rejects.toMatchObject({
    code: "too-many-tables-for-snapshot",
    message:
      "1001 tables are too large to be kept as one page each, and triggers watch at most 1000",
  });
});
