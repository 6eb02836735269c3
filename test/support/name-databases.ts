import { largeValue } from "./random-values.ts";
import type { SnapshotCorrection } from "./snapshot-corrections.ts";

/** A database whose names or types are easily mistaken for something else. */
export interface NameDatabase {
  /** What the dump does, as a test's title. */
  title: string;
  /** SQL that builds it, each statement legal on D1 and Durable Objects. */
  script: string[];
  /** What a warning of the dump says; undefined if there must be none. */
  warning?: RegExp;
  /** What the dump must contain. */
  contains: string[];
}

const long = largeValue("61", 70_000, "text").sql;

/** Every table of a database stays in its dump, regardless of its name. */
export const NAME_DATABASES: readonly NameDatabase[] = [
  {
    title: "keeps a table whose FTS5 table was dropped",
    script: [
      "CREATE TABLE posts_content(id INTEGER PRIMARY KEY, a)",
      "INSERT INTO posts_content VALUES (1, 'blue')",
      "CREATE VIRTUAL TABLE posts USING fts5(a, content='posts_content', content_rowid='id')",
      "DROP TABLE posts",
    ],
    contains: ["CREATE TABLE posts_content", "(1,'blue')"],
  },
  {
    title: "keeps a table and its triggers if an FTS5 table later took it for a shadow table",
    script: [
      "CREATE TABLE x_content(id INTEGER PRIMARY KEY, a)",
      "INSERT INTO x_content VALUES (1, 'blue')",
      "CREATE TRIGGER made_first AFTER INSERT ON x_content BEGIN SELECT 1; END",
      "CREATE VIRTUAL TABLE X USING fts5(a, content='x_content', content_rowid='id')",
      "INSERT INTO x(x) VALUES ('rebuild')",
      "CREATE INDEX made_last ON x_content(a)",
    ],
    contains: ["CREATE TABLE x_content", "(1,'blue')", "made_first", "made_last"],
  },
  {
    title: "keeps a table whose FTS5 table has a trigger of its name",
    script: [
      "CREATE TABLE x_content(id INTEGER PRIMARY KEY, a)",
      "INSERT INTO x_content VALUES (1, 'blue')",
      "CREATE VIRTUAL TABLE x USING fts5(a, content='x_content', content_rowid='id')",
      "CREATE TABLE t(a)",
      "CREATE TRIGGER x AFTER INSERT ON t BEGIN SELECT 1; END",
    ],
    contains: ["CREATE TABLE x_content", "(1,'blue')", "CREATE TRIGGER x "],
  },
  {
    title: "keeps users' objects whose names begin like this project's or the local runtime's",
    script: [
      "CREATE TABLE tmp_export_snapshot(a)",
      "INSERT INTO tmp_export_snapshot VALUES ('one')",
      "CREATE TABLE tmp_export_snapshot_notes(a TEXT PRIMARY KEY) WITHOUT ROWID",
      "INSERT INTO tmp_export_snapshot_notes VALUES ('two')",
      "CREATE TABLE tmp_export_snapshot_0123456789abcdef_notes(a)",
      "INSERT INTO tmp_export_snapshot_0123456789abcdef_notes VALUES ('three')",
      "CREATE TABLE tmp_export_jobs(a)",
      "INSERT INTO tmp_export_jobs VALUES ('four')",
      "CREATE INDEX tmp_export_job_index ON tmp_export_jobs(a)",
      "CREATE TABLE tmp_export_streams(a)",
      "INSERT INTO tmp_export_streams VALUES ('five')",
      "CREATE TABLE __miniflare_x(a)",
      "INSERT INTO __miniflare_x VALUES ('six')",
      "CREATE VIEW tmp_export_job_view AS SELECT a FROM __miniflare_x",
      "CREATE VIEW tmp_export_snapshot_0123456789abcdef_state AS SELECT 7",
      "CREATE TRIGGER tmp_export_snapshot_trigger AFTER INSERT ON __miniflare_x BEGIN SELECT 1; END",
      "CREATE TRIGGER __miniflare_do_names AFTER INSERT ON tmp_export_jobs BEGIN SELECT 1; END",
    ],
    contains: [
      ...["one", "two", "three", "four", "five", "six"].map((word) => `'${word}'`),
      "CREATE INDEX tmp_export_job_index",
      "CREATE VIEW tmp_export_job_view",
      "CREATE VIEW tmp_export_snapshot_0123456789abcdef_state",
      "CREATE TRIGGER tmp_export_snapshot_trigger",
      "CREATE TRIGGER __miniflare_do_names",
    ],
  },
  {
    title: "stages long rows in a table of another name if the database uses the usual one",
    script: [
      "CREATE TABLE tmp_Export_stage(id INTEGER PRIMARY KEY, a)",
      `INSERT INTO tmp_export_stage VALUES (1, 'mine'), (2, ${long})`,
      "CREATE VIEW tmp_export_stage_2 AS SELECT 1",
    ],
    contains: ["'mine'", 'CREATE TABLE "tmp_export_stage_3"(c INTEGER, n INTEGER, s)'],
  },
  {
    title: "reads tables that are named like the parts of its own queries",
    script: ["page", "last", "ends"]
      .flatMap((name) => [
        `CREATE TABLE tmp_export_snapshot_${name}(a TEXT, b INT, PRIMARY KEY (a, b DESC)) WITHOUT ROWID`,
        `INSERT INTO tmp_export_snapshot_${name} VALUES ('${name}', 1), ('${name}', 2)`,
      ])
      .concat([
        "CREATE TABLE tmp_export_carrier(id INTEGER PRIMARY KEY, a)",
        "INSERT INTO tmp_export_carrier VALUES (1, 'carried')",
      ]),
    contains: ["('page',1)", "('last',2)", "('ends',1)", "'carried'"],
  },
  {
    title: "keeps reals in columns whose types are keywords only to JavaScript",
    script: [
      ...["tex\u1e97", "\ufb02oat", "\u0131NT", "cha\u0155", "an\u1e8f"].flatMap((type) => [
        `CREATE TABLE "of ${type}"(a "${type}")`,
        `INSERT INTO "of ${type}" VALUES (9e999), (-9e999), ('1'), ('2.0'), (X'00')`,
      ]),
      'CREATE TABLE k(id "\u0131nteger" PRIMARY KEY, a)',
      "INSERT INTO k VALUES ('one', 1), (2, 2)",
      "CREATE TABLE counted(id INTEGER PRIMARY KEY AUTOINCREMENT)",
      "INSERT INTO counted VALUES (7)",
      "CREATE TABLE u(id INTEGER PRIMARY KEY, auto\u0131ncrement)",
    ],
    contains: ["(1,9.0e+999),\n(2,-9.0e+999)"],
  },
  {
    title: "tells names apart that are equal only to JavaScript",
    script: [
      "CREATE TABLE \u212a(id INTEGER PRIMARY KEY)",
      "INSERT INTO \u212a VALUES (1)",
      "CREATE TABLE child(k REFERENCES k(id))",
    ],
    warning: /table "child" references "k", which is not in the dump/,
    contains: ["CREATE TABLE \u212a"],
  },
  {
    title: "keeps control characters in the names of every kind of object",
    script: [
      'CREATE TABLE "tab\t\u001b[31mred\u0007"("a\nb" INTEGER PRIMARY KEY, "\u007f")',
      'INSERT INTO "tab\t\u001b[31mred\u0007" VALUES (1, 2)',
      'CREATE INDEX "\u0001" ON "tab\t\u001b[31mred\u0007"("\u007f")',
      'CREATE VIEW "\u0002" AS SELECT 1',
      'CREATE TRIGGER "\u0003" AFTER INSERT ON "tab\t\u001b[31mred\u0007" BEGIN SELECT 1; END',
    ],
    contains: ["(1,2)"],
  },
];

/**
 * What a snapshot must keep for tables whose names, or whose objects' names, are easily mixed up.
 */
export const NAMESAKE_CORRECTIONS: readonly SnapshotCorrection[] = [
  {
    title: "rows that REPLACE removes by UNIQUE indexes, although triggers have the indexes' names",
    script:
      "CREATE TABLE t(id INTEGER PRIMARY KEY, a, b); CREATE UNIQUE INDEX u ON t(a) WHERE b > 0; " +
      "CREATE UNIQUE INDEX v ON t((a || b)); INSERT INTO t VALUES (1, 'x', 1), (2, 'y', 0), (3, 'z', 5); " +
      "CREATE TRIGGER u AFTER DELETE ON t BEGIN SELECT 1; END; CREATE TRIGGER v AFTER DELETE ON t BEGIN SELECT 1; END",
    writes: [
      "INSERT OR REPLACE INTO t VALUES (7, 'x', 2)",
      "INSERT OR REPLACE INTO t VALUES (8, 'y', 0)",
    ],
  },
  {
    title: "a row that a trigger's write replaces, although the trigger's name says AFTER",
    script:
      "CREATE TABLE t(id INTEGER PRIMARY KEY, a, b, UNIQUE(a, b)); INSERT INTO t VALUES (1, 1, 1), (2, 2, 5), (3, 3, 3); " +
      'CREATE TRIGGER "x AFTER y" BEFORE UPDATE OF a ON t WHEN NEW.a = 2 BEGIN UPDATE t SET b = 5 WHERE id = OLD.id; END',
    writes: ["UPDATE OR REPLACE t SET a = 2 WHERE id = 1"],
  },
  {
    title: "rows of tables that are named like a part of its own queries",
    script: ["tmp_u", "tmp_r", "tmp_c", "tmp_export_snapshot_page", "tmp_export_snapshot_last"]
      .map(
        (name) =>
          `CREATE TABLE ${name}(a TEXT PRIMARY KEY, b) WITHOUT ROWID; INSERT INTO ${name} VALUES ('x', 1), ('y', 2), ('z', 3)`,
      )
      .join("; "),
    writes: [
      "tmp_u",
      "tmp_r",
      "tmp_c",
      "tmp_export_snapshot_page",
      "tmp_export_snapshot_last",
    ].flatMap((name) => [
      `UPDATE ${name} SET b = 9 WHERE a = 'y'`,
      `DELETE FROM ${name} WHERE a = 'z'`,
    ]),
  },
  {
    title: "rows of a table whose FTS5 table was dropped, and of one that an FTS5 table indexes",
    script:
      "CREATE TABLE posts_content(id INTEGER PRIMARY KEY, a); INSERT INTO posts_content VALUES (1, 'blue'); " +
      "CREATE VIRTUAL TABLE posts USING fts5(a, content='posts_content', content_rowid='id'); DROP TABLE posts; " +
      "CREATE TABLE x_content(id INTEGER PRIMARY KEY, a); INSERT INTO x_content VALUES (1, 'red'); " +
      "CREATE VIRTUAL TABLE x USING fts5(a, content='x_content', content_rowid='id'); " +
      "CREATE TABLE t(a); INSERT INTO t VALUES (1)",
    writes: ["UPDATE t SET a = 2"],
  },
  {
    title: "rows of a table that looks like a part of a snapshot, which no opening removes",
    script:
      "CREATE TABLE tmp_export_snapshot_0123456789abcdef_notes(id INTEGER PRIMARY KEY, a); " +
      "INSERT INTO tmp_export_snapshot_0123456789abcdef_notes VALUES (1, 'mine'), (2, 'too')",
    writes: ["UPDATE tmp_export_snapshot_0123456789abcdef_notes SET a = 'other' WHERE id = 2"],
  },
];
