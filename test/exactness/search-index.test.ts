import type { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import { checkExactness } from "../support/check-exactness.ts";
import { dumpDatabase, UNCUT, type WholeDump } from "../support/dump-database.ts";
import { freezeDatabase } from "../support/frozen-database.ts";
import { nodeSqliteSource, openPlatformDatabase } from "../support/node-sqlite-source.ts";
import { restoreStatements } from "../support/restore-dump.ts";

const NOTES = [
  "CREATE TABLE note(id INTEGER PRIMARY KEY, title TEXT, body TEXT, deleted_at TEXT)",
  "CREATE VIRTUAL TABLE note_fts USING fts5(title, body, content='note', content_rowid='id')",
  "INSERT INTO note VALUES (1, 'red', 'one', NULL), (2, 'blue', 'two', '2026-01-01'), (5, 'red blue', 'three', NULL)",
];

function databaseOf(script: readonly string[]): DatabaseSync {
  const db = openPlatformDatabase();
  for (const statement of script) db.exec(statement);
  return db;
}

async function restore(db: DatabaseSync): Promise<{ dump: WholeDump; restored: DatabaseSync }> {
  const dump = await dumpDatabase(nodeSqliteSource(db));
  return { dump, restored: restoreStatements(dump.bytes) };
}

function search(db: DatabaseSync, table: string, words: string): unknown[] {
  const sql = `SELECT rowid FROM ${table} WHERE ${table} MATCH ? ORDER BY rowid`;
  return db
    .prepare(sql)
    .all(words)
    .map((row) => row["rowid"]);
}

describe("an FTS5 index over another table", () => {
  test("is restored without the rows that the source left out of it", async () => {
    const source = databaseOf([
      ...NOTES,
      "INSERT INTO note_fts(rowid, title, body) SELECT id, title, body FROM note WHERE deleted_at IS NULL",
    ]);
    const { dump, restored } = await restore(source);
    expect(search(source, "note_fts", "blue")).toEqual([5]);
    expect(search(restored, "note_fts", "blue")).toEqual([5]);
    expect(dump.warnings).toEqual([]);
    expect((await checkExactness(source, 1)).differences).toEqual([]);
  });

  test("is restored by a rebuild alone if it contains every row", async () => {
    const source = databaseOf([...NOTES, "INSERT INTO note_fts(note_fts) VALUES ('rebuild')"]);
    const { dump, restored } = await restore(source);
    const text = Buffer.from(dump.bytes).toString();
    expect(text).toContain("VALUES('rebuild')");
    expect(text).not.toContain("'delete'");
    expect(search(restored, "note_fts", "blue")).toEqual([2, 5]);
  });

  test("over a view is restored beside views that fail, whatever their order", async () => {
    const failing = Array.from(
      { length: 8 },
      (_, n) => `CREATE VIEW "bad ${n}" AS SELECT x FROM gone`,
    );
    const source = databaseOf([
      ...failing.slice(0, 4),
      "CREATE TABLE note(id INTEGER PRIMARY KEY, title TEXT)",
      "CREATE VIEW shown AS SELECT id, title FROM note",
      "CREATE VIRTUAL TABLE found USING fts5(title, content='shown', content_rowid='id')",
      "CREATE VIRTUAL TABLE lost USING fts5(title, content='bad 1', content_rowid='id')",
      ...failing.slice(4),
      "INSERT INTO note VALUES (1, 'red'), (2, 'blue')",
      "INSERT INTO found(rowid, title) SELECT id, title FROM note",
    ]);
    // A connection that has not asked for the views' columns yet.
    const fresh = openPlatformDatabase();
    fresh.deserialize(source.serialize());
    const { dump, restored } = await restore(fresh);
    expect(search(restored, "found", "blue")).toEqual([2]);
    expect(dump.warnings).toEqual([
      'FTS5 table "lost" keeps no content, and view "bad 1" fails or reads what is not in the dump: it is restored empty',
    ]);
  });

  test("is restored empty if the source never filled it", async () => {
    const { restored } = await restore(databaseOf(NOTES));
    expect(search(restored, "note_fts", "red")).toEqual([]);
  });

  test("is restored if half of 30,000 rows are left out, in statements that every platform runs", async () => {
    const source = databaseOf([
      NOTES[0] as string,
      NOTES[1] as string,
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)
       INSERT INTO note SELECT i * 1000003, 'word' || i, 'common', NULL FROM n`,
      "INSERT INTO note_fts(rowid, title, body) SELECT id, title, body FROM note WHERE id % 2 = 0",
    ]);
    const { differences } = await checkExactness(source, 7);
    expect(differences).toEqual([]);
  });

  test.each([
    ["a view", "CREATE VIEW src AS SELECT id, title, body FROM note", "id"],
    [
      "a view with ids that are text",
      "CREATE VIEW src AS SELECT id || '' AS id, title, body FROM note",
      "id",
    ],
    [
      "a table without rowid",
      "CREATE TABLE src(id INTEGER PRIMARY KEY, title, body) WITHOUT ROWID",
      "id",
    ],
    ["a table with a rowid alone", "CREATE TABLE src(title, body)", "_rowid_"],
  ])("over %s is restored without the rows that are left out", async (_, create, rowid) => {
    const source = databaseOf([
      NOTES[0] as string,
      NOTES[2] as string,
      create,
      ...(create.includes("VIEW")
        ? []
        : [`INSERT INTO src(${rowid}, title, body) SELECT id, title, body FROM note`]),
      `CREATE VIRTUAL TABLE f USING fts5(title, body, content=src, content_rowid='${rowid}')`,
      `INSERT INTO f(rowid, title, body) SELECT id, title, body FROM note WHERE id <> 2`,
    ]);
    const { restored } = await restore(source);
    expect(search(source, "f", "blue")).toEqual([5]);
    expect(search(restored, "f", "blue")).toEqual([5]);
  });

  test("keeps its options and its definition if its content lacks the columns that it reads", async () => {
    const source = databaseOf([
      "CREATE TABLE note(id INTEGER PRIMARY KEY, title TEXT)",
      "CREATE VIRTUAL TABLE note_fts USING fts5(title, tags, content='note', content_rowid='id')",
      "INSERT INTO note VALUES (1, 'a')",
      "INSERT INTO note_fts(rowid, title, tags) VALUES (1, 'a', 'blue')",
      "INSERT INTO note_fts(note_fts, rank) VALUES ('pgsz', 100)",
    ]);
    const { dump, restored } = await restore(source);
    expect(dump.warnings).toEqual([
      'FTS5 table "note_fts" keeps no content, and "note" lacks the columns that it reads ("tags"): it is restored empty',
    ]);
    expect(restored.prepare("SELECT v FROM note_fts_config WHERE k = 'pgsz'").get()).toEqual({
      v: 100,
    });
    expect((await checkExactness(source, 1)).differences).toEqual([]);
  });

  test.each([
    [
      "a content_rowid that is no column",
      "fts5(title, content='note', content_rowid='nr')",
      '"nr"',
    ],
    ["the rowid of a table that has none", "fts5(title, content='bare')", '"rowid"'],
    ["the rowid of a view", "fts5(title, content='open')", '"rowid"'],
  ])("with %s is restored empty with a warning", async (_, definition, missing) => {
    const source = databaseOf([
      "CREATE TABLE note(id INTEGER PRIMARY KEY, title TEXT)",
      "CREATE TABLE bare(id INTEGER PRIMARY KEY, title TEXT) WITHOUT ROWID",
      "CREATE VIEW open AS SELECT id, title FROM note",
      `CREATE VIRTUAL TABLE f USING ${definition}`,
      "INSERT INTO f(rowid, title) VALUES (1, 'blue')",
    ]);
    const { dump, restored } = await restore(source);
    expect(dump.warnings.join()).toContain(`lacks the columns that it reads (${missing})`);
    expect(search(restored, "f", "blue")).toEqual([]);
  });

  test("over a view that no longer works is restored empty with a warning", async () => {
    const source = databaseOf([
      "CREATE TABLE note(id INTEGER PRIMARY KEY, title TEXT)",
      "CREATE VIEW open AS SELECT id, title FROM note WHERE NOT hidden(id)",
      "CREATE VIEW gone AS SELECT id, title FROM lost",
      "CREATE VIRTUAL TABLE f USING fts5(title, content='gone', content_rowid='id')",
      "CREATE VIRTUAL TABLE g USING fts5(title, content='open', content_rowid='id')",
      "INSERT INTO f(rowid, title) VALUES (1, 'blue')",
    ]);
    const { dump } = await restore(source);
    expect(dump.warnings.filter((warning) => warning.includes("view"))).toEqual([
      'FTS5 table "f" keeps no content, and view "gone" fails or reads what is not in the dump: it is restored empty',
      'FTS5 table "g" keeps no content, and view "open" fails or reads what is not in the dump: it is restored empty',
    ]);
  });

  test("over a view of tables that the filter leaves out is restored empty with a warning", async () => {
    const source = databaseOf([
      "CREATE TABLE note(id INTEGER PRIMARY KEY, title TEXT)",
      "CREATE VIEW inner_view AS SELECT id, title FROM note",
      "CREATE VIEW outer_view AS SELECT id, title FROM inner_view",
      "CREATE VIRTUAL TABLE f USING fts5(title, content='outer_view', content_rowid='id')",
    ]);
    const tables = { exclude: ["note"] };
    const dump = await dumpDatabase(nodeSqliteSource(source), UNCUT, { tables });
    restoreStatements(dump.bytes);
    expect(dump.warnings.join()).toContain(
      'and view "outer_view" fails or reads what is not in the dump',
    );
  });

  test("without sizes is rebuilt from all rows with a warning", async () => {
    const source = databaseOf([
      NOTES[0] as string,
      NOTES[2] as string,
      "CREATE VIRTUAL TABLE f USING fts5(title, content='note', content_rowid='id', columnsize=0)",
    ]);
    const { dump, restored } = await restore(source);
    expect(dump.warnings).toEqual([
      'FTS5 table "f" has columnsize=0 and does not record which rows it indexes: its restored index contains all rows of "note"',
    ]);
    expect(search(restored, "f", "blue")).toEqual([2, 5]);
  });

  test("is rebuilt from all rows with a warning if its names are too long to remove rows", async () => {
    const names = Array.from({ length: 60 }, (_, n) => String(n).padEnd(900, "x"));
    const columns = names.map((name) => `"${name}"`).join(", ");
    const source = databaseOf([
      `CREATE TABLE wide(id INTEGER PRIMARY KEY, ${columns})`,
      `INSERT INTO wide(id, "${names[0]}") VALUES (1, 'blue'), (2, 'blue')`,
      `CREATE VIRTUAL TABLE f USING fts5(${columns}, content='wide', content_rowid='id')`,
      `INSERT INTO f(rowid, "${names[0]}") VALUES (1, 'blue')`,
    ]);
    const { dump, restored } = await restore(source);
    expect(dump.warnings).toEqual([
      'FTS5 table "f" has names that are too long for a statement that removes rows from its index: its restored index contains all rows of "wide"',
    ]);
    expect(search(restored, "f", "blue")).toEqual([1, 2]);
  });

  test.each([
    "INSERT INTO note_fts(rowid, title, body) VALUES (new.id, lower(new.title), new.body)",
    "INSERT INTO note_fts(rowid, title, body) VALUES (new.id, new.body, new.title)",
    "INSERT INTO note_fts(rowid, title, body) SELECT new.id, new.title || '', new.body WHERE new.deleted_at IS NULL",
    "REPLACE INTO [Note_FTS] VALUES (new.title, new.body || ' ' || (SELECT group_concat(title) FROM note))",
    "UPDATE note_fts SET title = upper(new.title) WHERE rowid = new.id",
  ])("comes with a warning if a trigger indexes other text: %s", async (statement) => {
    const source = databaseOf([
      ...NOTES,
      `CREATE TRIGGER t AFTER INSERT ON note BEGIN SELECT 1; ${statement}; END`,
    ]);
    expect((await restore(source)).dump.warnings).toEqual([
      'trigger "t" writes text into FTS5 table "note_fts" that differs from its stored content: the restored index finds the stored words',
    ]);
  });

  test.each([
    "INSERT INTO note_fts(rowid, title, body) VALUES (new.id, new.title, new.body)",
    'INSERT INTO "note_fts"("title", rowid, [body]) SELECT new."title", new.id, n.body FROM note AS n WHERE n.id = new.id',
    "INSERT INTO note_fts(note_fts, rowid, title, body) VALUES ('delete', old.id, lower(old.title), old.body)",
    "UPDATE note_fts SET title = new.title, body = new.body WHERE rowid = lower(new.id)",
    "INSERT INTO note_fts(note_fts, rank) VALUES ('merge', 500)",
  ])(
    "comes without a warning if a trigger indexes the text that is stored: %s",
    async (statement) => {
      const source = databaseOf([
        ...NOTES,
        `CREATE TRIGGER t AFTER UPDATE ON note BEGIN ${statement}; END`,
      ]);
      expect((await restore(source)).dump.warnings).toEqual([]);
    },
  );

  test("is that of the instant of a snapshot, whatever is written meanwhile", async () => {
    const frozen = await freezeDatabase(
      [
        ...NOTES,
        "INSERT INTO note_fts(rowid, title, body) SELECT id, title, body FROM note WHERE id <> 2",
      ].join(";"),
    );
    frozen.db.exec(`
      INSERT INTO note_fts(rowid, title, body) SELECT id, title, body FROM note WHERE id = 2;
      INSERT INTO note_fts(note_fts, rowid, title, body) SELECT 'delete', id, title, body FROM note WHERE id = 1;
      DELETE FROM note WHERE id = 1;
      INSERT INTO note VALUES (9, 'blue', 'nine', NULL);
    `);
    expect(await frozen.dump()).toBe(frozen.expected);
    expect(frozen.expected).toContain("'delete'");
  });
});
