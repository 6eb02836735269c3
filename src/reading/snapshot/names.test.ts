import { expect, test } from "vitest";

import { isSnapshotName, isSnapshotNameSql } from "../../sqlite/own-objects.ts";
import { freezeDatabase, snapshotObjects } from "../../../test/support/frozen-database.ts";
import { openPlatformDatabase } from "../../../test/support/node-sqlite-source.ts";
import { WRITTEN_TABLES } from "../../../test/support/snapshot-schemas.ts";

/** The parts of names that are a snapshot's, and parts that make other names of them. */
const PARTS = [
  ["tmp_export_snapshot_", "TMP_export_snapshot_", "tmp_export_snapshot"],
  ["0123456789abcdef", "0123456789abcde", "0123456789abcdeg", "0123456789ABCDEF", ""],
  ["_", "__", ""],
  ["", "t", "t0", "t12", "t1t", "tt", "1"],
  ["state", "texts", "undo", "_undo", "_count_wide", "_on_before_insert", "_on_after_delete", ""],
];

test("SQL and JavaScript agree on which names are a snapshot's", () => {
  const db = openPlatformDatabase();
  const bySql = db.prepare(`SELECT ${isSnapshotNameSql("n")} AS own FROM (SELECT ? AS n)`);
  const names = PARTS.reduce(
    (heads, parts) => heads.flatMap((head) => parts.map((part) => head + part)),
    [""],
  );
  const own = [...new Set(names)].filter(isSnapshotName);
  expect([...new Set(names)].filter((name) => bySql.get(name)?.["own"] === 1)).toEqual(own);
  expect(own.length).toBeGreaterThan(5);
});

test("knows the name of every object that a snapshot makes", async () => {
  const script = WRITTEN_TABLES.flatMap((table) => table.script).join(";");
  const { db } = await freezeDatabase(script);
  const objects = snapshotObjects(db);
  expect(objects.length).toBeGreaterThan(100);
  expect(objects.filter((name) => !isSnapshotName(name))).toEqual([]);
});

test.each(["tmp_export_snapshot_rows", "tmp_export_snapshot_far"])(
  "measures small tables of which one is called %s",
  async (name) => {
    const script = `CREATE TABLE ${name}(id INTEGER PRIMARY KEY, a); INSERT INTO ${name} VALUES (1, 'one');
      CREATE VIRTUAL TABLE ${name}_words USING fts5(a); INSERT INTO ${name}_words VALUES ('two')`;
    const frozen = await freezeDatabase(script, { manyTables: 0 });
    frozen.db.exec(`UPDATE ${name} SET a = 'later'`);
    expect(await frozen.dump()).toBe(frozen.expected);
    expect(frozen.opened.record.tables.map(({ heldBy }) => heldBy)).toEqual(["page", "copy"]);
  },
);
