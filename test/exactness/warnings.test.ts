import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { planDump } from "../../src/formats/plan-dump.ts";
import { readCatalog } from "../../src/reading/read-catalog.ts";
import { readSourceWarnings } from "../../src/reading/source-warnings.ts";
import { compareDatabases } from "../support/compare-databases.ts";
import { dumpDatabase } from "../support/dump-database.ts";
import { nodeSqliteSource } from "../support/node-sqlite-source.ts";

test("warns of rows whose parent table is gone, which load where foreign keys are not enforced", async () => {
  const source = new DatabaseSync(":memory:", { enableForeignKeyConstraints: false });
  source.exec(`
    CREATE TABLE "Parent"(id INTEGER PRIMARY KEY);
    CREATE TABLE child(p REFERENCES parent(id), q REFERENCES gone(id), r REFERENCES gone(id));
    INSERT INTO child VALUES (NULL, 1, NULL);
  `);
  const dump = await dumpDatabase(nodeSqliteSource(source));
  expect(dump.warnings).toEqual([
    'table "child" references "gone", which is not in the dump: its rows load only if foreign keys are not enforced',
  ]);
  const restored = new DatabaseSync(":memory:", { enableForeignKeyConstraints: false });
  restored.exec(Buffer.from(dump.bytes).toString("utf8"));
  expect(compareDatabases(source, restored)).toEqual([]);
});

test("warns of a key-value storage that the object's class cannot export", async () => {
  const database = new DatabaseSync(":memory:");
  database.exec(
    `CREATE TABLE "_cf_KV"(key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID; CREATE TABLE t(a)`,
  );
  const source = nodeSqliteSource(database);
  const warningsFor = async (hasKeyValues: boolean): Promise<string[]> => {
    const { plan } = planDump(
      { source: "main", format: "sql", content: "all" },
      await readCatalog(source),
    );
    return readSourceWarnings({ ...source, hasKeyValues }, plan, { isFrozen: true });
  };
  expect(await warningsFor(true)).toEqual([
    "the object's key-value storage (_cf_KV) is not part of this dump: its class does not extend withExport",
  ]);
  expect(await warningsFor(false)).toEqual([]);
});

test("warns of entries in an FTS5 index whose rows its content does not have", async () => {
  const database = new DatabaseSync(":memory:");
  database.exec(`
    CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT);
    CREATE VIEW open AS SELECT id, body FROM note;
    CREATE VIRTUAL TABLE a USING fts5(body, content='note', content_rowid='id');
    CREATE VIRTUAL TABLE b USING fts5(body, content='open', content_rowid='id');
    INSERT INTO note VALUES (1, 'x');
    INSERT INTO a(rowid, body) VALUES (1, 'x'), (2, 'gone'), (3, 'gone');
    INSERT INTO b(rowid, body) VALUES (2, 'gone');
  `);
  const source = nodeSqliteSource(database);
  const { plan } = planDump(
    { source: "main", format: "sql", content: "all" },
    await readCatalog(source),
  );
  expect(await readSourceWarnings(source, plan, { isFrozen: true })).toEqual([
    'FTS5 table "a" has entries for 2 rows that its content lacks: no dump can contain them',
    'FTS5 table "b" has entries for 1 row that its content lacks: no dump can contain it',
  ]);
});

test("warns of an FTS5 index whose content a writer drops before it is compared", async () => {
  const database = new DatabaseSync(":memory:");
  database.exec(`
    CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT);
    CREATE VIRTUAL TABLE a USING fts5(body, content='note', content_rowid='id');
  `);
  const source = nodeSqliteSource(database);
  const { plan } = planDump(
    { source: "main", format: "sql", content: "all" },
    await readCatalog(source),
  );
  database.exec("DROP TABLE note");
  expect(await readSourceWarnings(source, plan, { isFrozen: true })).toEqual([
    'FTS5 table "a" could not be compared with its content',
  ]);
});

test("warns of a foreign key whose only UNIQUE index has another collation", async () => {
  const source = new DatabaseSync(":memory:", { enableForeignKeyConstraints: false });
  source.exec(`
    CREATE TABLE p(a TEXT COLLATE NOCASE);
    CREATE UNIQUE INDEX i ON p(a COLLATE BINARY);
    CREATE TABLE c(x REFERENCES p(a));
  `);
  expect((await dumpDatabase(nodeSqliteSource(source))).warnings).toEqual([
    'table "c" references "p" ("a"), which is not a key of that table: its rows load only if foreign keys are not enforced',
  ]);
});
