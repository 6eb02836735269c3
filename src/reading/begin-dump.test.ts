import type { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";

import { planDump } from "../formats/plan-dump.ts";
import { ExportError } from "../api/errors.ts";
import type { Source } from "../databases/source.ts";
import { beginDump, type BegunDump, type DumpRequest } from "./begin-dump.ts";
import { freeze, SNAPSHOT_ID, snapshotObjects } from "../../test/support/frozen-database.ts";
import { nodeSqliteSource, openPlatformDatabase } from "../../test/support/node-sqlite-source.ts";

const OTHER_ID = "0123abcd-0000-4000-9000-000000000002";

function openDatabase(): DatabaseSync {
  const db = openPlatformDatabase();
  db.exec("CREATE TABLE t(id INTEGER PRIMARY KEY, a); INSERT INTO t VALUES (1, 'one'), (2, 'two')");
  return db;
}

/** Begins a dump; `reading` is each method it has announced, and what the snapshot had in the source then. */
async function begin(
  db: DatabaseSync,
  request: Partial<DumpRequest>,
  source = nodeSqliteSource(db),
): Promise<{ begun: BegunDump; reading: { method: string; objects: number }[] }> {
  const reading: { method: string; objects: number }[] = [];
  const begun = await beginDump(source, {
    snapshotId: SNAPSHOT_ID,
    jobId: "job",
    consistency: "snapshot",
    planDump: (catalog) => planDump({ source: "main", format: "sql", content: "all" }, catalog),
    oneTurnBytes: 0,
    removesLeftovers: true,
    undoBytesMax: 1e9,
    isLeftover: () => true,
    beforeReading: async (method) => {
      reading.push({ method, objects: snapshotObjects(db).length });
    },
    ...request,
  });
  return { begun, reading };
}

test("reads a small database in one turn and makes nothing in it", async () => {
  const db = openDatabase();
  const { begun, reading } = await begin(db, { oneTurnBytes: 1_000 });
  expect(begun).toMatchObject({ method: "one-turn", rowsWritten: 0, warnings: [] });
  expect(reading).toEqual([{ method: "one-turn", objects: 0 }]);
  expect(snapshotObjects(db)).toEqual([]);
});

test.each([
  ["it may read nothing in one turn", { oneTurnBytes: 0 }],
  ["the database is larger", { oneTurnBytes: 2 }],
])("opens a snapshot if %s, and reports it before", async (_, request) => {
  const db = openDatabase();
  const { begun, reading } = await begin(db, request);
  expect(begun).toMatchObject({ method: "snapshot", record: { snapshotId: SNAPSHOT_ID } });
  expect(reading).toEqual([{ method: "snapshot", objects: 0 }]);
  expect(snapshotObjects(db)).not.toEqual([]);
});

test.each([
  ["once", "the schema stays the same", ""],
  ["again", "the schema changes before the snapshot opens", "CREATE TABLE later(x)"],
])("reads the catalog %s if %s", async (_, __, change) => {
  const db = openDatabase();
  const plain = nodeSqliteSource(db);
  let catalogs = 0;
  const counting: Source = {
    ...plain,
    transaction: (statements) => {
      if (statements.some(({ sql }) => sql.includes("pragma_table_xinfo"))) catalogs += 1;
      return plain.transaction(statements);
    },
  };
  const beforeReading = async () => db.exec(change);
  const { begun } = await begin(db, { oneTurnBytes: 2, beforeReading }, counting);
  expect(begun.method).toBe("snapshot");
  expect(catalogs).toBe(change === "" ? 1 : 2);
  expect(begun.plan.tables.length).toBe(change === "" ? 1 : 2);
});

test("holds nothing of a live dump", async () => {
  const db = openDatabase();
  const { begun, reading } = await begin(db, { consistency: "live" });
  expect(begun).toMatchObject({ method: "live", rowsRead: 0, rowsWritten: 0 });
  expect(reading).toEqual([{ method: "live", objects: 0 }]);
  expect(snapshotObjects(db)).toEqual([]);
});

test("removes what an earlier attempt has opened, even if it opens nothing itself", async () => {
  const db = openDatabase();
  await freeze(nodeSqliteSource(db), { snapshotId: OTHER_ID });
  expect(snapshotObjects(db)).not.toEqual([]);
  await begin(db, { oneTurnBytes: 1_000 });
  expect(snapshotObjects(db)).toEqual([]);
});

test("makes nothing in the source if the caller refuses the method", async () => {
  const db = openDatabase();
  const refused = new ExportError("export-already-running", "no");
  await expect(begin(db, { beforeReading: () => Promise.reject(refused) })).rejects.toBe(refused);
  expect(snapshotObjects(db)).toEqual([]);
});

test("counts the rows of an attempt to read in one turn, although a snapshot is opened then", async () => {
  const measured = await begin(openDatabase(), { oneTurnBytes: 2 });
  const unmeasured = await begin(openDatabase(), { oneTurnBytes: 0 });
  expect(measured.begun.method).toBe("snapshot");
  expect(measured.begun.rowsRead).toBeGreaterThan(unmeasured.begun.rowsRead);
});
