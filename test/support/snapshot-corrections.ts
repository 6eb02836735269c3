import { NAMESAKE_CORRECTIONS } from "./name-databases.ts";
import { NAME_CORRECTIONS } from "./name-traps.ts";

/** A database, and writes to it while a snapshot is open. */
export interface SnapshotCorrection {
  title: string;
  script: string;
  writes: string[];
}

const columns = (count: number): string =>
  Array.from({ length: count }, (_, n) => `c${n}`).join(", ");

/** What a plain set of triggers gets wrong, each with writes that show it. */
export const SNAPSHOT_CORRECTIONS: readonly SnapshotCorrection[] = [
  {
    title: "a row that REPLACE removes by its primary key, for which no delete trigger fires",
    script:
      "CREATE TABLE t(id INTEGER PRIMARY KEY, a); INSERT INTO t VALUES (1, 'old'), (2, 'kept')",
    writes: ["REPLACE INTO t VALUES (1, 'new')"],
  },
  {
    title: "rows that one REPLACE removes by two UNIQUE indexes",
    script:
      "CREATE TABLE t(id INTEGER PRIMARY KEY, a UNIQUE, b, c, UNIQUE(b, c)); " +
      "INSERT INTO t VALUES (1, 'x', 1, 1), (2, 'y', 1, 2), (3, 'z', 2, 2)",
    writes: ["INSERT OR REPLACE INTO t VALUES (9, 'x', 1, 2)"],
  },
  {
    title: "rows that UPDATE OR REPLACE removes, and the key that it changes",
    script:
      "CREATE TABLE t(id INTEGER PRIMARY KEY, a UNIQUE); INSERT INTO t VALUES (1, 'x'), (2, 'y'), (3, 'z')",
    writes: ["UPDATE OR REPLACE t SET a = 'y', id = 3 WHERE id = 1"],
  },
  {
    title: "the first image of a row, where a conflict clause would make a later one replace it",
    script:
      "CREATE TABLE t(id INTEGER PRIMARY KEY, a); INSERT INTO t VALUES (1, 'first'), (2, 'b')",
    writes: [
      "UPDATE t SET a = 'second' WHERE id = 1",
      "INSERT OR REPLACE INTO t VALUES (1, 'third')",
      "UPDATE OR REPLACE t SET a = 'fourth'",
      "INSERT OR IGNORE INTO t VALUES (1, 'fifth')",
    ],
  },
  {
    title: "a row that NULL removes by the DEFAULT which REPLACE fills in",
    script:
      "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT NOT NULL DEFAULT 'd' UNIQUE); INSERT INTO t VALUES (1, 'd'), (2, 'e')",
    writes: [
      "INSERT OR REPLACE INTO t(id, a) VALUES (5, NULL)",
      "UPDATE OR REPLACE t SET a = NULL WHERE id = 2",
    ],
  },
  {
    title: "no row that a newer trigger has moved before AFTER INSERT saw it",
    script:
      "CREATE TABLE t(id INTEGER PRIMARY KEY, a); INSERT INTO t VALUES (1, 'a'), (90, 'b'); " +
      "CREATE TRIGGER r AFTER INSERT ON t BEGIN UPDATE t SET id = id + 10 WHERE id = NEW.id; END",
    writes: ["INSERT INTO t VALUES (20, 'new')", "INSERT INTO t(a) VALUES ('assigned')"],
  },
  {
    title:
      "a row that REPLACE removes by a UNIQUE expression, which has the column's affinity and collation",
    script:
      "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT COLLATE NOCASE, b INT); " +
      "CREATE UNIQUE INDEX u ON t((a || b)); CREATE UNIQUE INDEX v ON t((a = 'YES'), b); " +
      "INSERT INTO t VALUES (1, 'x', 1), (2, 'yes', 7), (3, 'no', 8)",
    writes: [
      "INSERT OR REPLACE INTO t VALUES (10, 'x', '1')",
      "INSERT OR REPLACE INTO t VALUES (11, 'Yes', '7')",
    ],
  },
  {
    title:
      "a row that REPLACE removes by a UNIQUE expression over a rowid that is not assigned yet",
    script:
      "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, a INT); CREATE UNIQUE INDEX u ON t((id + a)); " +
      "INSERT INTO t VALUES (1, 12), (2, 0), (9, 9); DELETE FROM t WHERE id = 9",
    writes: ["INSERT OR REPLACE INTO t(a) VALUES (3)"],
  },
  {
    title: "a row that REPLACE removes by a UNIQUE generated column",
    script:
      "CREATE TABLE t(id INTEGER PRIMARY KEY, a, b, g TEXT COLLATE NOCASE AS (a || '-' || b) UNIQUE); " +
      "INSERT INTO t VALUES (1, 'x', 'y'), (2, 'p', 'q')",
    writes: [
      "INSERT OR REPLACE INTO t(id, a, b) VALUES (7, 'X', 'Y')",
      "UPDATE OR REPLACE t SET a = 'P', b = 'q'",
    ],
  },
  {
    title:
      "a row that REPLACE removes by a partial UNIQUE index, and none that the index leaves out",
    script:
      "CREATE TABLE t(id INTEGER PRIMARY KEY, a, b); CREATE UNIQUE INDEX u ON t(a) WHERE t.b > 0; " +
      "INSERT INTO t VALUES (1, 'x', 1), (2, 'x', 0), (3, 'y', 1)",
    writes: ["INSERT OR REPLACE INTO t VALUES (4, 'x', 5)"],
  },
  {
    title:
      "a row that is removed for what a BEFORE UPDATE trigger wrote into the same UNIQUE index",
    script:
      "CREATE TABLE t(id INTEGER PRIMARY KEY, a, b, UNIQUE(a, b)); INSERT INTO t VALUES (1, 1, 1), (2, 2, 5), (3, 3, 3); " +
      "CREATE TRIGGER r BEFORE UPDATE OF a ON t WHEN NEW.a = 2 BEGIN UPDATE t SET b = 5 WHERE id = OLD.id; END",
    writes: ["UPDATE OR REPLACE t SET a = 2 WHERE id = 1"],
  },
  {
    title: "swapped and chained keys, and a key that is deleted and inserted again",
    script:
      "CREATE TABLE t(id INTEGER PRIMARY KEY, a); INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c')",
    writes: [
      "UPDATE t SET id = -1 WHERE id = 1",
      "UPDATE t SET id = 1 WHERE id = 2",
      "UPDATE t SET id = 2 WHERE id = -1",
      "DELETE FROM t WHERE id = 3",
      "INSERT INTO t VALUES (3, 'again')",
    ],
  },
  {
    title: "rows that foreign-key actions change and remove",
    script:
      "CREATE TABLE p(id INTEGER PRIMARY KEY); CREATE TABLE c(id INTEGER PRIMARY KEY, " +
      "p REFERENCES p ON DELETE CASCADE ON UPDATE CASCADE, q REFERENCES p(id) ON DELETE SET NULL ON UPDATE CASCADE); " +
      "INSERT INTO p VALUES (1), (2), (3); INSERT INTO c VALUES (1, 1, 2), (2, 2, 3), (3, 3, 1)",
    writes: [
      "DELETE FROM p WHERE id = 1",
      "UPDATE p SET id = 30 WHERE id = 3",
      "REPLACE INTO p VALUES (2)",
    ],
  },
  {
    title: "the parents of foreign keys that no UNIQUE index covers, and lets rows into them",
    script:
      "CREATE TABLE p(id INTEGER PRIMARY KEY, code, note); CREATE TABLE q(a, b, PRIMARY KEY (a, b)); " +
      "INSERT INTO p VALUES (1, 'x', 'old'), (2, 'y', 'old'); INSERT INTO q VALUES (1, 2); " +
      "CREATE TABLE c(id INTEGER PRIMARY KEY, code REFERENCES p(code), a REFERENCES q, n REFERENCES missing(n))",
    writes: [
      "INSERT INTO p(id, note) VALUES (3, 'new')",
      "INSERT INTO p(id, code) VALUES (4, 'z')",
      "INSERT INTO q VALUES (3, 4)",
      "UPDATE p SET note = 'new'",
    ],
  },
  {
    title: "rows that triggers of the user's write in other tables",
    script:
      "CREATE TABLE t(id INTEGER PRIMARY KEY, a); CREATE TABLE log(n INTEGER PRIMARY KEY, what UNIQUE); " +
      "CREATE TRIGGER r AFTER UPDATE ON t BEGIN REPLACE INTO log(what) VALUES (NEW.a); DELETE FROM log WHERE n = 2; END; " +
      "INSERT INTO t VALUES (1, 'a'); INSERT INTO log VALUES (1, 'b'), (2, 'c'), (3, 'd')",
    writes: ["UPDATE t SET a = 'b'", "UPDATE t SET a = 'd'"],
  },
  {
    title: "every value, STRICT, CHECK and NOT NULL or not, in a log that accepts them all",
    script:
      "CREATE TABLE t(id INTEGER PRIMARY KEY, a INT NOT NULL CHECK (a > 0), b REAL, c ANY, d BLOB) STRICT; " +
      "INSERT INTO t VALUES (1, 5, 1.0, '7', X'00ff'), (2, 9007199254740993, -9e999, 7, NULL); " +
      "CREATE TABLE u(a, b NUMERIC, c TEXT); INSERT INTO u VALUES (5, 'x', 1), (5.0, 2, 'y'), ('5', X'05', CAST(X'6100' AS TEXT))",
    writes: ["UPDATE t SET a = 1, b = 2, c = NULL, d = X'01'", "DELETE FROM u"],
  },
  {
    title:
      "a table without declared key, WITHOUT ROWID with its collations, and one that hides its rowid",
    script:
      "CREATE TABLE n(a); CREATE TABLE w(a TEXT COLLATE NOCASE, b, c, PRIMARY KEY(a, b DESC)) WITHOUT ROWID; " +
      "CREATE TABLE h(rowid, oid, _rowid_ NOT NULL UNIQUE); INSERT INTO n VALUES (1), (2), (3); " +
      "INSERT INTO w VALUES ('a', 1, 'x'), ('a', 2, 'y'), ('B', 1, 'z'); INSERT INTO h VALUES (1, 2, 3), (4, 5, 6)",
    writes: [
      "DELETE FROM n WHERE a = 2",
      "INSERT INTO n(rowid, a) VALUES (2, 'new')",
      "INSERT OR REPLACE INTO w VALUES ('A', 1, 'new')",
      "UPDATE w SET b = 9 WHERE c = 'z'",
      "REPLACE INTO h VALUES (0, 0, 3)",
      "UPDATE h SET _rowid_ = 7 WHERE oid = 5",
    ],
  },
  {
    title: "rows of 100 columns, in two undo tables",
    script: `CREATE TABLE t(${columns(100)}); INSERT INTO t(c0, c99) VALUES (1, 'end'), (2, 'end')`,
    writes: ["UPDATE t SET c99 = 'other', c50 = 5 WHERE c0 = 1", "DELETE FROM t WHERE c0 = 2"],
  },
  {
    title:
      "the rows of an FTS5 table, the counters and a table without any key, which no trigger can watch",
    script:
      "CREATE VIRTUAL TABLE f USING fts5(a, b); INSERT INTO f(rowid, a, b) VALUES (5, 'one', 'two'), (2, 'x', NULL); " +
      "CREATE TABLE s(id INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO s VALUES (41); " +
      "CREATE TABLE k(rowid, oid, _rowid_); INSERT INTO k VALUES (1, 2, 3), (1, 2, 3)",
    writes: [
      "INSERT INTO f(a) VALUES ('later')",
      "UPDATE f SET b = 'changed' WHERE rowid = 5",
      "INSERT INTO s DEFAULT VALUES",
      "DELETE FROM k",
    ],
  },
  {
    title: "an empty table, whatever is written into it",
    script:
      "CREATE TABLE t(id INTEGER PRIMARY KEY, a); CREATE TABLE w(a PRIMARY KEY) WITHOUT ROWID",
    writes: [
      "INSERT INTO t VALUES (-5, 'x'), (5, 'y')",
      "INSERT INTO w VALUES (1)",
      "DELETE FROM t",
    ],
  },
  ...NAME_CORRECTIONS,
  ...NAMESAKE_CORRECTIONS,
];
