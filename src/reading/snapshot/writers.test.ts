import { describe, expect, test } from "vitest";

import { freeze, freezeDatabase } from "../../../test/support/frozen-database.ts";
import {
  nodeSqliteSource,
  openPlatformDatabase,
} from "../../../test/support/node-sqlite-source.ts";
import { runWriters } from "../../../test/support/writers-run.ts";

/** `npm run fuzz:snapshot -- --minutes 10` runs many more; `--seed N` runs one and prints its statements. */
const RUNS = 30;

test(`writes do and return what they do without a snapshot, in ${RUNS} random runs, but for documented rules`, async () => {
  const first = Math.floor(Math.random() * 1e9);
  let writes = 0;
  for (let seed = first; seed < first + RUNS; seed += 1) {
    const run = await runWriters(seed);
    expect(run.problems, `seed ${seed}`).toEqual([]);
    writes += run.writes;
  }
  expect(writes).toBeGreaterThan(RUNS * 20);
});

const heldBy = (opened: Awaited<ReturnType<typeof freeze>>): Record<string, string> =>
  Object.fromEntries(opened.record.tables.map((table) => [table.name, table.heldBy]));

describe("a table that a foreign key refers to", () => {
  const child = (reference: string): string => `CREATE TABLE c(v, w, ${reference})`;

  test.each([
    ["a column without a UNIQUE index", "CREATE TABLE p(v, w)", "FOREIGN KEY (v) REFERENCES p(v)"],
    ["a column that is missing", "CREATE TABLE p(v, w)", "FOREIGN KEY (v) REFERENCES P(gone)"],
    ["a PRIMARY KEY that is missing", "CREATE TABLE p(v, w)", "FOREIGN KEY (v) REFERENCES p"],
    [
      "one column of a PRIMARY KEY of two",
      "CREATE TABLE p(v, w, PRIMARY KEY (v, w))",
      "FOREIGN KEY (v) REFERENCES p",
    ],
    [
      "columns of two indexes",
      "CREATE TABLE p(v UNIQUE, w UNIQUE)",
      "FOREIGN KEY (v, w) REFERENCES p(v, w)",
    ],
    [
      "a partial index",
      "CREATE TABLE p(v, w); CREATE UNIQUE INDEX i ON p(v) WHERE w > 0",
      "FOREIGN KEY (v) REFERENCES p(v)",
    ],
    [
      "an index of another collation",
      "CREATE TABLE p(v COLLATE NOCASE, w); CREATE UNIQUE INDEX i ON p(v COLLATE BINARY)",
      "FOREIGN KEY (v) REFERENCES p(v)",
    ],
    [
      "an expression",
      "CREATE TABLE p(v, w); CREATE UNIQUE INDEX i ON p(+v)",
      "FOREIGN KEY (v) REFERENCES p(v)",
    ],
    ["the rowid", "CREATE TABLE p(v, w)", "FOREIGN KEY (v) REFERENCES p(rowid)"],
  ])("by %s is copied, and rows can be inserted", async (_by, parent, reference) => {
    const frozen = await freezeDatabase(
      `${parent}; ${child(reference)}; INSERT INTO p VALUES (1, 2)`,
    );
    frozen.db.exec("INSERT INTO p VALUES (3, 4)");
    expect(heldBy(frozen.opened)).toMatchObject({ p: "copy", c: "empty" });
    expect(await frozen.dump()).toBe(frozen.expected);
  });

  test.each([
    ["its INTEGER PRIMARY KEY", "CREATE TABLE p(v INTEGER PRIMARY KEY, w)", "REFERENCES P(V)"],
    ["its PRIMARY KEY", "CREATE TABLE p(v PRIMARY KEY, w) WITHOUT ROWID", "REFERENCES p"],
    ["a UNIQUE column", "CREATE TABLE p(v COLLATE NOCASE UNIQUE, w)", "REFERENCES p(v)"],
    [
      "an INTEGER PRIMARY KEY that it does not name",
      "CREATE TABLE p(v INTEGER PRIMARY KEY, w)",
      "REFERENCES p",
    ],
  ])("by %s is watched", async (_by, parent, reference) => {
    const { opened } = await freezeDatabase(
      `${parent}; ${child(`FOREIGN KEY (v) ${reference}`)}; INSERT INTO p VALUES (1, 2)`,
    );
    expect(heldBy(opened)).toMatchObject({ p: "undo" });
  });

  test("by two columns in another order than their UNIQUE index is watched", async () => {
    const { opened } = await freezeDatabase(
      `CREATE TABLE p(v, w, UNIQUE (w, v)); INSERT INTO p VALUES (1, 2);
       ${child("FOREIGN KEY (v, w) REFERENCES p(v, w)")}`,
    );
    expect(heldBy(opened)).toMatchObject({ p: "undo" });
  });

  test("by no UNIQUE column, and is too large to be copied, is exported live with a warning", async () => {
    const db = openPlatformDatabase();
    db.exec(`CREATE TABLE p(v, w); ${child("FOREIGN KEY (v) REFERENCES p(v)")}`);
    const insert = db.prepare("INSERT INTO p VALUES (1, ?)");
    for (let row = 0; row < 17; row += 1) insert.run("x".repeat(1_000_000));
    const opened = await freeze(nodeSqliteSource(db));
    expect(heldBy(opened)).toMatchObject({ p: "nothing" });
    expect(opened.warnings).toEqual([
      expect.stringMatching(/^table "p" is exported as it is .* foreign key of table "c" /),
    ]);
    insert.run("new");
  });
});

describe("UPDATE OR REPLACE of two UNIQUE columns", () => {
  const script = (recursive: string): string =>
    `PRAGMA recursive_triggers = ${recursive}; CREATE TABLE t(id INTEGER PRIMARY KEY, c UNIQUE, d UNIQUE);
     INSERT INTO t VALUES (1, 1, 1), (2, 2, 2)`;
  const write = "UPDATE OR REPLACE t SET c = 3, d = d";

  test("fails under recursive_triggers as it does with any DELETE trigger", async () => {
    const plain = openPlatformDatabase();
    plain.exec(script("ON"));
    plain.exec("CREATE TRIGGER own BEFORE DELETE ON t BEGIN SELECT 1; END");
    expect(() => plain.exec(write)).toThrow("UNIQUE constraint failed: t.d");
    const { db } = await freezeDatabase(script("ON"));
    expect(() => db.exec(write)).toThrow("UNIQUE constraint failed: t.d");
  });

  test("succeeds without recursive_triggers", async () => {
    const { db, dump, expected } = await freezeDatabase(script("OFF"));
    db.exec(write);
    expect(db.prepare("SELECT * FROM t").all()).toEqual([{ id: 2, c: 3, d: 2 }]);
    expect(await dump()).toBe(expected);
  });

  test("is a difference that the documented rules cover", async () => {
    expect((await runWriters(602041215)).problems).toEqual([]);
  });
});

describe("the warning of writes that may end differently", () => {
  const warningsOf = async (script: string): Promise<string[]> =>
    (await freezeDatabase(script)).opened.warnings;

  test("names the table whose UNIQUE values an UPDATE moves in another order", async () => {
    const script = `CREATE TABLE t(id INTEGER PRIMARY KEY, due INT, u INT UNIQUE); CREATE INDEX d ON t(due);
      INSERT INTO t VALUES (1, 3, 1), (2, 2, 2), (3, 1, 3)`;
    const write = "UPDATE t SET u = u + 1 WHERE due BETWEEN 1 AND 3";
    const plain = openPlatformDatabase();
    plain.exec(script);
    plain.exec(write);
    const { db, opened } = await freezeDatabase(script);
    expect(() => db.exec(write)).toThrow("UNIQUE constraint failed");
    expect(opened.warnings).toEqual([
      expect.stringMatching(/UPDATEs of several rows .*docs\/consistency\.md.* in tables "t"$/),
    ]);
  });

  test("names the table whose references SQLite forgets to check without triggers", async () => {
    const script = "CREATE TABLE t(id INTEGER PRIMARY KEY, up REFERENCES t(id) ON DELETE SET NULL)";
    const write = "REPLACE INTO t VALUES (1, 9)";
    const plain = openPlatformDatabase();
    plain.exec(script);
    plain.exec(write);
    const { db, opened } = await freezeDatabase(script);
    expect(() => db.exec(write)).toThrow("FOREIGN KEY constraint failed");
    expect(opened.warnings).toEqual([expect.stringContaining('in tables "t"')]);
  });

  test("is one for all tables, and names five of them", async () => {
    const create = (n: number): string => `CREATE TABLE t${n}(a UNIQUE, b UNIQUE)`;
    const [warning, ...others] = await warningsOf(
      Array.from({ length: 8 }, (_, n) => create(n)).join("; "),
    );
    expect(others).toEqual([]);
    expect(warning).toMatch(/ in tables "t0", "t1", "t2", "t3", "t4" and 3 more$/);
  });

  test.each([
    [
      "has no UNIQUE column besides its key",
      "CREATE TABLE t(id INTEGER PRIMARY KEY, a, b); CREATE INDEX i ON t(a); CREATE INDEX j ON t(b)",
    ],
    ["has one index only", "CREATE TABLE t(id INTEGER PRIMARY KEY, a UNIQUE)"],
    [
      "is WITHOUT ROWID and has one index besides its key",
      "CREATE TABLE t(a PRIMARY KEY, b UNIQUE) WITHOUT ROWID",
    ],
    [
      "has a trigger of its own for every UPDATE",
      `CREATE TABLE t(a UNIQUE, b UNIQUE);
       CREATE TRIGGER "INSERT" AFTER UPDATE ON t BEGIN SELECT 1; END`,
    ],
    [
      "has such a trigger, which names the table in other letters",
      `CREATE TABLE t(a UNIQUE, b UNIQUE);
       CREATE TRIGGER \u0131nsert AFTER UPDATE ON T BEGIN SELECT 1; END`,
    ],
    [
      "has a foreign key on its only UNIQUE column",
      "CREATE TABLE p(id INTEGER PRIMARY KEY); CREATE TABLE t(a UNIQUE REFERENCES p, b); CREATE INDEX i ON t(b)",
    ],
    ["is copied", "CREATE VIRTUAL TABLE t USING fts5(a)"],
  ])("does not name a table that %s", async (_what, script) => {
    expect(await warningsOf(script)).toEqual([]);
  });
});
