import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";

import { nodeSqliteSource } from "../../test/support/node-sqlite-source.ts";
import { ExportError } from "../api/errors.ts";
import type { Source } from "../databases/source.ts";
import { closeTarget, openClearedTarget } from "./target.ts";

const RESTORE_ID = "11111111-1111-4111-8111-111111111111";

const isCurrent = async (): Promise<void> => {};

function filledDatabase(): DatabaseSync {
  const db = new DatabaseSync(":memory:");
  db.exec(
    "CREATE TABLE one(a); CREATE TABLE two(a); CREATE TABLE three(a); INSERT INTO three VALUES (1)",
  );
  return db;
}

/** A source that keeps what a failed transaction has done, and of which statement `fails` of one transaction fails. */
function failingOnce(db: DatabaseSync, fails: number): Source {
  const source = nodeSqliteSource(db);
  let hasFailed = false;
  return {
    ...source,
    transaction: async (statements) => {
      const results = [];
      for (const [at, statement] of statements.entries()) {
        if (!hasFailed && statements.length > 4 && at === fails) {
          hasFailed = true;
          throw new ExportError("source-unavailable", "the database was busy");
        }
        results.push(await source.query(statement));
      }
      return results;
    },
  };
}

function listTables(db: DatabaseSync): unknown[] {
  return db
    .prepare("SELECT name FROM sqlite_master")
    .all()
    .map(({ name }) => name);
}

test.each([1, 2, 3, 4, 5])(
  "a target that does not roll back is cleared whole, although statement %i of the first attempt fails",
  async (fails) => {
    const db = filledDatabase();
    const source = failingOnce(db, fails);
    const open = (): Promise<void> => openClearedTarget(source, RESTORE_ID, isCurrent);
    await expect(open()).rejects.toThrow("busy");
    await open();
    expect(listTables(db)).toEqual(["tmp_export_restore"]);
    expect(db.prepare("SELECT pass FROM tmp_export_restore").all()).toEqual([{ pass: 1 }]);
  },
);

test("a late attempt deletes nothing, and neither does the end of a restore that is over", async () => {
  const db = filledDatabase();
  const source = nodeSqliteSource(db);
  await openClearedTarget(source, RESTORE_ID, isCurrent);
  db.exec("CREATE TABLE loaded(a)");
  await openClearedTarget(source, RESTORE_ID, isCurrent);
  expect(listTables(db)).toEqual(["tmp_export_restore", "loaded"]);
  await closeTarget(source, RESTORE_ID, null);
  await closeTarget(source, RESTORE_ID, []);
  expect(listTables(db)).toEqual(["loaded"]);
});

test("an attempt that comes when the restore is over deletes nothing, wherever it was held up", async () => {
  const db = filledDatabase();
  const source = nodeSqliteSource(db);
  const before = listTables(db);
  // Before it had asked whether it is the current one.
  const isLate = (): Promise<void> => Promise.reject(new ExportError("try-overtaken", "late"));
  await expect(openClearedTarget(source, RESTORE_ID, isLate)).rejects.toThrow("late");
  expect(listTables(db)).toEqual([...before, "tmp_export_restore"]);
  // After it had asked.
  await openClearedTarget(source, RESTORE_ID, () => closeTarget(source, RESTORE_ID, null));
  expect(listTables(db)).toEqual(before);
});
