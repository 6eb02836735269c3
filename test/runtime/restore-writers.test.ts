import { afterEach, beforeAll, describe, expect, test } from "vitest";

import { ended, query, startExport } from "../support/api.ts";
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
