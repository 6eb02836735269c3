import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { compareDatabases } from "../../support/compare-databases.ts";
import { dumpDatabase } from "../../support/dump-database.ts";
import { nodeSqliteSource } from "../../support/node-sqlite-source.ts";

test("warns of rows whose parent table is gone, which load where foreign keys are not enforced", async () => {
  const source = new DatabaseSync(":memory:", { enableForeignKeyConstraints: false });
  source.exec(`
    CREATE TABLE "Parent"(id INTEGER PRIMARY KEY);
    CREATE TABLE child(p REFERENCES parent(id), q REFERENCES gone(id), r REFERENCES gone(id));
    INSERT INTO child VALUES (NULL, 1, NULL);
  `);
  const dump = await dumpDatabase(nodeSqliteSource(source));
  expect(dump.warnings).toEqual([
    'table "child" refers to "gone", which is not in the dump: its rows load only where foreign keys are not enforced',
  ]);
  const restored = new DatabaseSync(":memory:", { enableForeignKeyConstraints: false });
  restored.exec(Buffer.from(dump.bytes).toString("utf8"));
  expect(compareDatabases(source, restored)).toEqual([]);
});
