import { WRITTEN_NAMESAKES } from "./snapshot-namesakes.ts";

/** A table that is written while a snapshot of it is read. */
export interface WrittenTable {
  name: string;
  /** CREATE statements, including indexes and triggers. */
  script: string[];
  /** Columns that statements write, without generated ones. */
  columns: string[];
  /**
   * Columns of a STRICT table, with the values that are written into them. SQLite checks types
   * before it runs BEFORE triggers, and otherwise after NOT NULL, so rows that violate both rules
   * end differently.
   */
  values?: Record<string, string[]>;
  /** Columns of ON CONFLICT clauses. */
  conflictTargets: string[];
}

const wideColumns = (count: number): string[] => Array.from({ length: count }, (_, n) => `c${n}`);

/** One table each, with something that makes its writes hard to follow. */
export const WRITTEN_TABLES: readonly WrittenTable[] = [
  {
    name: "plain",
    script: ["CREATE TABLE plain(id INTEGER PRIMARY KEY, a, b TEXT)"],
    columns: ["id", "a", "b"],
    conflictTargets: ["id"],
  },
  {
    name: "nokey",
    script: ["CREATE TABLE nokey(a, b TEXT)"],
    columns: ["a", "b", "rowid"],
    conflictTargets: [],
  },
  {
    name: "counted",
    script: [
      "CREATE TABLE counted(id INTEGER PRIMARY KEY AUTOINCREMENT, a UNIQUE, b TEXT NOT NULL DEFAULT 'a')",
    ],
    columns: ["id", "a", "b"],
    conflictTargets: ["id", "a"],
  },
  {
    name: "uniques",
    script: [
      "CREATE TABLE uniques(id INTEGER PRIMARY KEY, a, b TEXT COLLATE NOCASE, c, UNIQUE(a, b))",
      "CREATE UNIQUE INDEX uniques_c ON uniques(c COLLATE RTRIM DESC)",
    ],
    columns: ["id", "a", "b", "c"],
    conflictTargets: ["id", "a, b", "c COLLATE RTRIM"],
  },
  {
    name: "partial",
    script: [
      "CREATE TABLE partial(id INTEGER PRIMARY KEY, a, b)",
      "CREATE UNIQUE INDEX partial_a ON partial(a) WHERE b IS NOT NULL AND partial.b <> 2",
    ],
    columns: ["id", "a", "b"],
    conflictTargets: ["id"],
  },
  {
    name: "expressions",
    script: [
      "CREATE TABLE expressions(id INTEGER PRIMARY KEY, a TEXT, b INT COLLATE NOCASE, c NUMERIC)",
      "CREATE UNIQUE INDEX expressions_ab ON expressions(lower(a) || coalesce(b, ''))",
      "CREATE UNIQUE INDEX expressions_c ON expressions(c + id) WHERE a = 'a'",
    ],
    columns: ["id", "a", "b", "c"],
    conflictTargets: ["id"],
  },
  {
    name: "generated",
    script: [
      "CREATE TABLE generated(id INTEGER PRIMARY KEY, a TEXT, b, g TEXT COLLATE NOCASE AS (a || b) UNIQUE, s INT AS (b + 1) STORED)",
      "CREATE UNIQUE INDEX generated_s ON generated(s) WHERE b > 4",
    ],
    columns: ["id", "a", "b"],
    conflictTargets: ["id"],
  },
  {
    name: "defaults",
    script: [
      'CREATE TABLE defaults(id INTEGER PRIMARY KEY, a NOT NULL DEFAULT 3 UNIQUE, b TEXT NOT NULL DEFAULT "a", UNIQUE(b, a))',
    ],
    columns: ["id", "a", "b"],
    conflictTargets: ["id", "a"],
  },
  {
    name: "keyed",
    script: [
      "CREATE TABLE keyed(a TEXT COLLATE NOCASE, b INT, c, PRIMARY KEY(a, b DESC)) WITHOUT ROWID",
      "CREATE UNIQUE INDEX keyed_c ON keyed(c)",
    ],
    columns: ["a", "b", "c"],
    conflictTargets: ["a, b", "c"],
  },
  {
    name: "key_default",
    script: ["CREATE TABLE key_default(a NOT NULL DEFAULT 4, b, PRIMARY KEY(a)) WITHOUT ROWID"],
    columns: ["a", "b"],
    conflictTargets: ["a"],
  },
  {
    name: "hidden",
    script: ["CREATE TABLE hidden(rowid, oid, _rowid_ NOT NULL, a, UNIQUE(_rowid_))"],
    columns: ["rowid", "oid", "_rowid_", "a"],
    conflictTargets: ["_rowid_"],
  },
  {
    name: "hidden_no_key",
    script: ["CREATE TABLE hidden_no_key(rowid, oid, _rowid_, a UNIQUE)"],
    columns: ["rowid", "oid", "_rowid_", "a"],
    conflictTargets: ["a"],
  },
  {
    name: "strict_one",
    script: [
      "CREATE TABLE strict_one(id INTEGER PRIMARY KEY, a INT CHECK (a <> 7), b TEXT NOT NULL, c ANY UNIQUE, CHECK (a > -5 OR b = 'a')) STRICT",
    ],
    columns: ["id", "a", "b", "c"],
    values: { a: ["1", "2", "7", "-8", "NULL"], b: ["'a'", "'b'", "3", "NULL"] },
    conflictTargets: ["id", "c"],
  },
  {
    name: "parent",
    script: [
      "CREATE TABLE parent(id INTEGER PRIMARY KEY, a UNIQUE)",
      "CREATE TABLE child(id INTEGER PRIMARY KEY, p REFERENCES parent(id) ON DELETE CASCADE ON UPDATE CASCADE, q REFERENCES parent(a) ON DELETE SET NULL ON UPDATE SET DEFAULT, r UNIQUE)",
      "CREATE TABLE grandchild(c REFERENCES child(id) ON DELETE CASCADE ON UPDATE CASCADE, a)",
      "INSERT INTO parent VALUES (1, 1), (2, 2), (3, 'a'), (9, 4)",
      "INSERT INTO child VALUES (1, 1, 1, 1), (2, 1, 'a', 2), (3, 2, NULL, 3), (4, 9, 4, 4)",
      "INSERT INTO grandchild VALUES (1, 'x'), (1, 'y'), (2, 'z'), (4, 'w')",
    ],
    columns: ["id", "a"],
    conflictTargets: ["id", "a"],
  },
  {
    name: "watched",
    script: [
      "CREATE TABLE watched(id INTEGER PRIMARY KEY, a UNIQUE, b, UNIQUE(b))",
      "CREATE TABLE watched_log(n INTEGER PRIMARY KEY, what UNIQUE)",
      "CREATE TRIGGER watched_i AFTER INSERT ON watched BEGIN INSERT OR REPLACE INTO watched_log(what) VALUES (NEW.a); END",
      "CREATE TRIGGER watched_u AFTER UPDATE ON watched BEGIN DELETE FROM watched_log WHERE what = OLD.a; UPDATE watched_log SET what = NEW.b WHERE what = NEW.a; END",
      "CREATE TRIGGER watched_d BEFORE DELETE ON watched BEGIN DELETE FROM watched_log WHERE what = OLD.b; END",
    ],
    columns: ["id", "a", "b"],
    conflictTargets: ["id", "a", "b"],
  },
  {
    name: "rewritten",
    script: [
      "CREATE TABLE rewritten(id INTEGER PRIMARY KEY, a, b, UNIQUE(a, b))",
      "CREATE TRIGGER rewritten_u BEFORE UPDATE OF a ON rewritten WHEN NEW.a = 1 BEGIN UPDATE rewritten SET b = 5 WHERE id = OLD.id; END",
    ],
    columns: ["id", "a", "b"],
    conflictTargets: ["id", "a, b"],
  },
  {
    name: "inserting",
    script: [
      "CREATE TABLE inserting(id INTEGER PRIMARY KEY, a, b)",
      "CREATE TRIGGER inserting_i BEFORE INSERT ON inserting WHEN NEW.a = 2 AND typeof(NEW.b) = 'integer' BEGIN DELETE FROM inserting WHERE b = NEW.b; INSERT OR IGNORE INTO inserting VALUES (NEW.b, 0, 0); END",
      "CREATE TRIGGER inserting_a AFTER INSERT ON inserting WHEN NEW.a = 3 BEGIN UPDATE inserting SET id = id + 20 WHERE id = NEW.id; END",
    ],
    columns: ["id", "a", "b"],
    conflictTargets: ["id"],
  },
  {
    name: "wide",
    script: [
      `CREATE TABLE wide(${wideColumns(100)
        .map((name) => (name === "c3" ? "c3 UNIQUE" : name))
        .join(", ")})`,
    ],
    columns: ["c0", "c3", "c50", "c98", "c99", "rowid"],
    conflictTargets: ["c3"],
  },
  {
    name: "wide_keyed",
    script: [
      `CREATE TABLE wide_keyed(${wideColumns(100).join(", ")}, PRIMARY KEY (c99, c1)) WITHOUT ROWID`,
    ],
    columns: ["c99", "c1", "c0", "c98"],
    conflictTargets: ["c99, c1"],
  },
  {
    name: 'it\'s "odd"; --',
    script: [
      `CREATE TABLE "it's ""odd""; --"("i d" INTEGER PRIMARY KEY, [a"b] UNIQUE, "tmp_r", u)`,
      `CREATE UNIQUE INDEX "odd; index" ON "it's ""odd""; --"("tmp_r" || u)`,
    ],
    columns: ["i d", 'a"b', "tmp_r", "u"],
    conflictTargets: ['"i d"', '"a""b"'],
  },
  {
    name: "search",
    script: ["CREATE VIRTUAL TABLE search USING fts5(a, b)"],
    columns: ["rowid", "a", "b"],
    conflictTargets: [],
  },
  ...WRITTEN_NAMESAKES,
];
