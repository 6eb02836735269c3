import { expect, test } from "vitest";

import { freezeDatabase, snapshotObjects } from "../../../test/support/frozen-database.ts";
import { SNAPSHOT_CORRECTIONS } from "../../../test/support/snapshot-corrections.ts";

test.each(SNAPSHOT_CORRECTIONS)("keeps $title", async ({ script, writes }) => {
  for (const recursive of ["OFF", "ON"]) {
    const frozen = await freezeDatabase(`PRAGMA recursive_triggers = ${recursive}; ${script}`);
    for (const write of writes) frozen.db.exec(write);
    expect(await frozen.dump()).toBe(frozen.expected);
    expect(snapshotObjects(frozen.db)).not.toEqual([]);
  }
});

test("keeps rows that change their keys across the committed cursor, in both directions", async () => {
  const frozen = await freezeDatabase(
    `CREATE TABLE t(id INTEGER PRIMARY KEY, a);
     WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL SELECT i + 10 FROM n WHERE i < 20000)
     INSERT INTO t SELECT i, 'row ' || i FROM n`,
  );
  let shift = 0;
  const dump = await frozen.dumpInPages(() => {
    shift += 1;
    frozen.db.exec(`UPDATE t SET id = 20000 - id + ${shift % 9} WHERE a LIKE '%${shift % 10}0'`);
    frozen.db.exec(`UPDATE t SET a = a || '!' WHERE id % 7 = ${shift % 7}`);
  });
  expect(dump).toBe(frozen.expected);
});

test("costs no row that is already exported, nor any that is added behind the end", async () => {
  const frozen = await freezeDatabase(
    `CREATE TABLE t(id INTEGER PRIMARY KEY, a); CREATE TABLE u(id INTEGER PRIMARY KEY);
     WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
     INSERT INTO t SELECT i, i FROM n; INSERT INTO u VALUES (1), (2)`,
  );
  await frozen.dumpInPages(() => {});
  frozen.db.exec("INSERT INTO u VALUES (9), (10); UPDATE t SET a = 0 WHERE id < 5000");
  const { undo_bytes: bytes } = frozen.db
    .prepare(
      `SELECT undo_bytes FROM "${snapshotObjects(frozen.db).find((name) => name.endsWith("_state")) ?? ""}"`,
    )
    .get() as { undo_bytes: number };
  expect(bytes).toBe(0);
});
