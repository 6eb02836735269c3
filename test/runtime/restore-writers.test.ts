import { afterEach, beforeAll, describe, expect, test } from "vitest";

import { ended, query, startExport } from "../support/api.ts";
import { disturbDatabase } from "../support/faulty-database.ts";
import { beforeSteps } from "../support/faulty-steps.ts";
import { listNames, openCopy, restore } from "../support/restores.ts";

let jobId: string;
let copies = 0;
let stop = (): void => {};

beforeAll(async () => {
  await query(
    "CREATE TABLE t (id INTEGER PRIMARY KEY, note TEXT)",
    "INSERT INTO t VALUES (1, 'one'), (2, 'two'), (3, 'three')",
    "CREATE TABLE kept (id INTEGER PRIMARY KEY AUTOINCREMENT)",
    "INSERT INTO kept VALUES (7)",
  );
  ({ jobId } = await startExport());
  expect((await ended(jobId)).status).toBe("completed");
});

afterEach(() => stop());

/** Restores into a new object, to which another writer writes before `step`. */
async function writtenBefore(step: string, ...sql: string[]) {
  copies += 1;
  const name = `written ${copies}`;
  stop = beforeSteps(
    (each) => each === step,
    () => openCopy(name).transaction(sql.map((each) => ({ sql: each }))),
  );
  const view = await restore({ from: { jobId }, target: "copies", name });
  return { view, names: await listNames(name) };
}

const WRITES: [string, string][] = [
  ["inserts a row", "INSERT INTO t VALUES (4, 'mine')"],
  ["updates a row", "UPDATE t SET note = 'other' WHERE id = 2"],
  ["changes the type of a value", "UPDATE t SET note = x'74776f' WHERE id = 2"],
  ["deletes a row", "DELETE FROM t WHERE id = 3"],
  ["changes a key", "UPDATE t SET id = 9 WHERE id = 3"],
  ["changes a sequence", "UPDATE sqlite_sequence SET seq = 70"],
  ["creates a table", "CREATE TABLE mine (a)"],
  ["creates an index", "CREATE INDEX mine ON t (note)"],
  ["creates a view", "CREATE VIEW mine AS SELECT 1"],
  ["creates a trigger", "CREATE TRIGGER mine AFTER INSERT ON t BEGIN SELECT 1; END"],
  ["drops a table", "DROP TABLE kept"],
  ["adds a column", "ALTER TABLE t ADD COLUMN mine"],
];

describe("a writer that gets in before verification", () => {
  test.each(WRITES)("and %s is detected", async (_, sql) => {
    const { view, names } = await writtenBefore("verify 1", sql);
    expect(view).toMatchObject({
      status: "failed",
      error: { code: "restore-differs" },
      verification: { state: "differs" },
    });
    expect(names).toEqual([]);
  });

  test("and drops the restore's position is not in its way", async () => {
    const { view, names } = await writtenBefore("verify 1", "DROP TABLE tmp_export_restore");
    expect(view).toMatchObject({ status: "completed", verification: { state: "equal" } });
    expect(names).toEqual(["kept", "t"]);
  });
});

describe("a writer that gets in before loading", () => {
  test.each<[string, string[], string]>([
    ["creates a table of the dump", ["CREATE TABLE t (a)"], "statement-failed"],
    ["creates another table", ["CREATE TABLE mine (a)"], "restore-differs"],
    ["creates a view", ["CREATE VIEW mine AS SELECT 1"], "restore-differs"],
    ["drops the restore's position", ["DROP TABLE tmp_export_restore"], "restore-interrupted"],
    ["empties the restore's position", ["DELETE FROM tmp_export_restore"], "restore-interrupted"],
    [
      "moves the restore's position",
      ["UPDATE tmp_export_restore SET text_bytes = 1000000, statements = 1000"],
      "statement-failed",
    ],
  ])("and %s is detected", async (_, sql, code) => {
    const { view, names } = await writtenBefore("load 1", ...sql);
    expect(view).toMatchObject({ status: "failed", error: { code } });
    expect(view.verification.state).not.toBe("equal");
    if (code !== "restore-interrupted") expect(names).toEqual([]);
    expect(names.filter((each) => each.startsWith("tmp_export"))).toEqual([]);
  });
});

describe("a writer that gets in between two turns of one load step", () => {
  let wide: string;

  /** Rows for several turns, after those of `t` and `kept`. */
  beforeAll(async () => {
    await query(
      "CREATE TABLE filler (id INTEGER PRIMARY KEY, note TEXT)",
      `INSERT INTO filler WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60)
       SELECT i, hex(zeroblob(40000)) FROM n`,
    );
    ({ jobId: wide } = await startExport());
    expect((await ended(wide)).status).toBe("completed");
  });

  /** Restores into a new object, to which another writer writes before the third turn. */
  async function writtenWithin(sql: string, change: object = {}) {
    copies += 1;
    const name = `written ${copies}`;
    let turns = 0;
    stop = disturbDatabase(([first = ""], run) => {
      if (!first.startsWith("REPLACE INTO tmp_export_restore SELECT")) return;
      turns += 1;
      if (turns === 3) run(sql);
    });
    const view = await restore({ from: { jobId: wide }, target: "copies", name, ...change });
    expect(turns).toBeGreaterThan(3);
    return { view, names: await listNames(name) };
  }

  test.each<[string, string, string]>([
    ["inserts a row", "INSERT INTO kept VALUES (8)", "restore-differs"],
    ["updates a loaded row", "UPDATE t SET note = 'other' WHERE id = 2", "restore-differs"],
    ["deletes a loaded row", "DELETE FROM t WHERE id = 2", "restore-differs"],
    [
      "takes the key of a row to come",
      "INSERT INTO filler VALUES (60, 'mine')",
      "statement-failed",
    ],
    ["inserts a row after those to come", "INSERT INTO filler VALUES (61, '')", "restore-differs"],
    ["drops a loaded table", "DROP TABLE t", "restore-differs"],
    ["drops a table to be filled", "DROP TABLE filler", "statement-failed"],
  ])("and %s is detected", async (_, sql, code) => {
    const { view, names } = await writtenWithin(sql);
    expect(view).toMatchObject({ status: "failed", error: { code } });
    expect(names).toEqual([]);
  });

  test("is detected by row counts only if it changes one", async () => {
    const counts = { verify: "counts" };
    const inserted = await writtenWithin("INSERT INTO kept VALUES (8)", counts);
    expect(inserted.view).toMatchObject({ error: { code: "restore-differs" } });
    const updated = await writtenWithin("UPDATE t SET note = 'other' WHERE id = 2", counts);
    expect(updated.view).toMatchObject({
      status: "completed",
      verification: { method: "counts", state: "equal" },
    });
  });
});
