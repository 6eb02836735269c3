import type { SnapshotCorrection } from "./snapshot-corrections.ts";
import type { Trap } from "./traps.ts";

/** `count` column names of `bytes` bytes each, quoted. */
function longNames(count: number, bytes: number): string[] {
  return Array.from({ length: count }, (_, n) => `"${String(n).padEnd(bytes, "x")}"`);
}

function longColumns(table: string, names: readonly string[]): string[] {
  const values = names.map((_, n) => (n % 3 === 0 ? `'it''s ${n}'` : String(n)));
  return [
    `CREATE TABLE ${table}(${names.join(", ")})`,
    `INSERT INTO ${table} VALUES (${values.join(", ")}), (${values.toReversed().join(", ")})`,
  ];
}

const KEYED_LONG = longNames(100, 900).map((name, n) => (n === 0 ? '"id"' : name));
const LONG_TABLE = `"${"tab'le ".repeat(1_500)}"`;
const HUGE_TABLE = `"${"x".repeat(30_000)}"`;

/** Traps with names of columns and tables, like `TRAPS`. */
export const NAME_TRAPS: readonly Trap[] = [
  {
    title: "keeps columns called true, false, null, rowid and nothing",
    script: [
      'CREATE TABLE answers(id INTEGER PRIMARY KEY, "true" INT, "false" INT)',
      "INSERT INTO answers VALUES (1, 10, 20), (2, 30, 40)",
      'CREATE TABLE keyed("true" TEXT PRIMARY KEY, "false", "null", "") WITHOUT ROWID',
      "INSERT INTO keyed VALUES ('a', 1, 2, 3), ('b', NULL, 'x', X'00')",
      'CREATE TABLE hidden(rowid, oid, _rowid_, "true", "", column1)',
      "INSERT INTO hidden VALUES (1, 2, 3, 4, 5, 6)",
      'CREATE VIRTUAL TABLE found USING fts5("true", "false")',
      "INSERT INTO found VALUES ('yes', 'no')",
    ],
  },
  {
    title: "keeps tables with a column for each letter that its queries use",
    script: [
      "CREATE TABLE t(t, n, r, k0, c0, c1, k, b, lo, hi)",
      "INSERT INTO t VALUES (1, 2, 3, 4, 5, 6, 7, 8, 9, 10)",
      "CREATE TABLE n(t TEXT, k0, c0, PRIMARY KEY (c0, t DESC)) WITHOUT ROWID",
      "INSERT INTO n VALUES ('a', 1, 2), ('b', 1, 2), ('c', 3, 'x')",
    ],
  },
  {
    title: "keeps 20 columns whose names have 1,000 bytes",
    script: longColumns("t", longNames(20, 1_000)),
  },
  {
    title: "keeps 26 columns whose names have 800 bytes",
    script: longColumns("t", longNames(26, 800)),
  },
  {
    title: "keeps 60 columns whose names have 490 bytes",
    script: longColumns("t", longNames(60, 490)),
  },
  {
    title: "keeps 100 columns whose names have 800 bytes, and their rowid",
    script: [
      ...longColumns("t", longNames(100, 800)),
      `INSERT INTO t(rowid, ${longNames(100, 800)[7]}) VALUES (-5, replace(hex(zeroblob(20000)), '00', 'long '))`,
    ],
  },
  {
    title: "keeps 100 columns whose names have 900 bytes, with values that are long",
    script: [
      `CREATE TABLE t(${KEYED_LONG.map((name, n) => (n === 0 ? `${name} INTEGER PRIMARY KEY` : name)).join(", ")})`,
      `INSERT INTO t VALUES (7${", hex(zeroblob(300))".repeat(99)})`,
      `INSERT INTO t VALUES (8${", zeroblob(2)".repeat(99)})`,
    ],
  },
  {
    title: "keeps a key of several columns with long names, in both directions",
    script: [
      `CREATE TABLE t(${longNames(4, 900).join(", ")}, PRIMARY KEY (${longNames(4, 900)
        .map((name, n) => `${name}${n % 2 === 0 ? "" : " DESC"}`)
        .join(", ")})) WITHOUT ROWID`,
      `INSERT INTO t VALUES (${longNames(4, 900)
        .map((_, n) => n)
        .join(", ")}), (${longNames(4, 900)
        .map((_, n) => (n === 3 ? 0 : n))
        .join(", ")})`,
    ],
  },
  {
    title: "keeps tables whose names have 10 KB and 30,000 characters",
    script: [
      `CREATE TABLE ${LONG_TABLE}(id INTEGER PRIMARY KEY AUTOINCREMENT, a)`,
      `INSERT INTO ${LONG_TABLE}(a) VALUES ('x'), ('y')`,
      `CREATE TABLE ${HUGE_TABLE}(a)`,
      `INSERT INTO ${HUGE_TABLE} VALUES (1), (2)`,
    ],
  },
];

/** Snapshots of such tables, like `SNAPSHOT_CORRECTIONS`. */
export const NAME_CORRECTIONS: readonly SnapshotCorrection[] = [
  {
    title: "columns called true, false and null, changed before they are read",
    script:
      'CREATE TABLE answers(id INTEGER PRIMARY KEY, "true" INT, "false" INT, "null"); ' +
      "INSERT INTO answers VALUES (1, 10, 20, 1), (2, 30, 40, 2); " +
      'CREATE TABLE keyed("true" TEXT PRIMARY KEY, "false", "") WITHOUT ROWID; ' +
      "INSERT INTO keyed VALUES ('a', 1, 2), ('b', 3, 4); " +
      'CREATE TABLE copied(rowid, oid, _rowid_, "true", "false"); INSERT INTO copied VALUES (1, 2, 3, 4, 5)',
    writes: [
      'UPDATE answers SET "true" = 11, "false" = 21, "null" = 0',
      "DELETE FROM answers WHERE id = 2",
      'UPDATE keyed SET "false" = 9, "" = 8',
      "UPDATE keyed SET \"true\" = 'c' WHERE \"true\" = 'a'",
      'UPDATE copied SET "true" = 0',
    ],
  },
  {
    title:
      "rows that REPLACE removes by UNIQUE expressions over columns called true, false and nothing",
    script:
      'CREATE TABLE t("true" INTEGER PRIMARY KEY, "" TEXT, "false" INT AS ("" || 1) UNIQUE, b); ' +
      'CREATE UNIQUE INDEX u ON t(lower(""), b) WHERE "false" IS NOT NULL; ' +
      "INSERT INTO t VALUES (1, 'X', 5), (2, 'Y', 6), (3, 'Z', 7)",
    writes: [
      "INSERT OR REPLACE INTO t VALUES (9, 'x', 5)",
      "INSERT OR REPLACE INTO t VALUES (10, 'Y', 0)",
    ],
  },
  {
    title: "a row that REPLACE removes by a column named nothing beside a UNIQUE expression",
    script:
      'CREATE TABLE t(id INTEGER PRIMARY KEY, "" TEXT, a); CREATE UNIQUE INDEX u ON t(lower(a)); ' +
      "INSERT INTO t VALUES (1, 'x', 'A'), (2, 'y', 'B')",
    writes: ["INSERT OR REPLACE INTO t VALUES (5, 'z', 'a')"],
  },
  {
    title: "a WITHOUT ROWID table with a column of any name that the log uses",
    script:
      "CREATE TABLE t(a PRIMARY KEY, tmp_export_born, born, c0, c1, k0) WITHOUT ROWID; " +
      "INSERT INTO t VALUES (1, 2, 3, 4, 5, 6), (2, 3, 4, 5, 6, 7)",
    writes: ["UPDATE t SET born = 0, tmp_export_born = 0, c0 = a", "DELETE FROM t WHERE a = 2"],
  },
  ...[
    { count: 20, bytes: 1_000 },
    { count: 60, bytes: 490 },
    { count: 100, bytes: 800 },
  ].map(({ count, bytes }): SnapshotCorrection => {
    const names = longNames(count, bytes);
    const [first, second] = names;
    return {
      title: `rows of ${count} columns whose names have ${bytes} bytes`,
      script:
        `${longColumns("t", names).join("; ")}; CREATE UNIQUE INDEX u ON t(${first}); ` +
        `CREATE UNIQUE INDEX v ON t(lower(${second}))`,
      writes: [
        `INSERT OR REPLACE INTO t(${first}, ${second}) VALUES ('it''s 0', 'new')`,
        `UPDATE t SET ${second} = 'changed' WHERE rowid = 2`,
      ],
    };
  }),
  {
    title: "the rows of tables whose names have 10 KB and 30,000 characters",
    script:
      `CREATE TABLE ${LONG_TABLE}(id INTEGER PRIMARY KEY, a UNIQUE); INSERT INTO ${LONG_TABLE} VALUES (1, 2), (2, 3); ` +
      `CREATE TABLE ${HUGE_TABLE}(a UNIQUE, b); INSERT INTO ${HUGE_TABLE} VALUES (1, 2), (2, 3)`,
    writes: [
      `UPDATE ${LONG_TABLE} SET a = a + 10`,
      `INSERT OR REPLACE INTO ${HUGE_TABLE} VALUES (1, 5)`,
      `DELETE FROM ${HUGE_TABLE}`,
    ],
  },
];
