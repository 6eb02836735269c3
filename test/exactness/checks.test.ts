import type { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";

import { planDump } from "../../src/formats/plan-dump.ts";
import type { Catalog } from "../../src/sqlite/catalog.ts";
import { CURSOR_START } from "../../src/rpc/cursor.ts";
import { addWarnings, boundWarnings, WARNINGS_MAX } from "../../src/jobs/tables/bound-warnings.ts";
import { readDump } from "../../src/reading/dump-reader.ts";
import { digestCatalog, readCatalog } from "../../src/reading/read-catalog.ts";
import { readInOneTurn } from "../../src/reading/read-in-one-turn.ts";
import { closeSnapshot } from "../../src/reading/snapshot/close-snapshot.ts";
import { openSnapshot } from "../../src/reading/snapshot/open-snapshot.ts";
import { SnapshotReader } from "../../src/reading/snapshot/snapshot-reader.ts";
import { dumpDatabase, exportDatabase, randomCutting } from "../support/dump-database.ts";
import { nodeSqliteSource, openPlatformDatabase } from "../support/node-sqlite-source.ts";

/** A database that holds whatever the statements insert. */
function databaseOf(...script: string[]): DatabaseSync {
  const db = openPlatformDatabase();
  db.exec("PRAGMA ignore_check_constraints = ON");
  for (const statement of script) db.exec(statement);
  return db;
}

const broken = (table: string, check: string): string =>
  `table "${table}" has rows that violate ${check}: they load only if CHECK is ignored`;

const warningsOf = async (...script: string[]): Promise<string[]> =>
  (await dumpDatabase(nodeSqliteSource(databaseOf(...script)))).warnings;

/** A table "t", the VALUES of rows that keep its constraints, of one that does not, and which one that is. */
const SHAPES: [what: string, create: string, kept: string, broken: string, check: string][] = [
  ["a column's", "CREATE TABLE t(n INTEGER CHECK (n > 0))", "(1), (NULL)", "(0)", "CHECK (n > 0)"],
  [
    "a table's, with a name",
    'CREATE TABLE t(a, b, CONSTRAINT "in ""order""" CHECK (a < b))',
    "(1, 2)",
    "(2, 1)",
    'CONSTRAINT "in ""order""" CHECK (a < b)',
  ],
  [
    "columns named true and false",
    'CREATE TABLE t("true" INT, "false" INT, CHECK (true < false AND "true" IS NOT 7))',
    "(1, 2)",
    "(2, 1)",
    'CHECK (true < false AND "true" IS NOT 7)',
  ],
  [
    "columns whose names are keywords and names of ours",
    'CREATE TABLE t("end" INT, key INT, t INT, b INT, r INT, k0 INT, CHECK (CASE WHEN "end" THEN key + t + b + r + k0 END > 0))',
    "(1, 1, 1, 1, 1, 1), (0, 0, 0, 0, 0, 0)",
    "(1, 0, 0, 0, 0, 0)",
    'CHECK (CASE WHEN "end" THEN key + t + b + r + k0 END > 0)',
  ],
  [
    "strings in double quotes",
    'CREATE TABLE t(state TEXT CHECK (state IN ("new", "it\'s", "")))',
    `('new'), ('it''s'), ('')`,
    "('old')",
    'CHECK (state IN ("new", "it\'s", ""))',
  ],
  [
    "comments, strings and parentheses that prove nothing",
    `CREATE TABLE t(a TEXT DEFAULT 'CHECK (0)' /* CHECK (0) */, b, "check" INT,
       CHECK ((a <> ')' /* ) */) AND (b <> '(' -- (
       )), CHECK (1))`,
    "('x', 'y', 1)",
    "(')', 'y', 1)",
    "CHECK ((a <> ')' /* ) */) AND (b <> '(' -- ( ))",
  ],
  [
    "GLOB, LIKE and COLLATE",
    `CREATE TABLE t(a TEXT COLLATE NOCASE CHECK (a = 'KEY' OR a GLOB '[a-z]*' AND a LIKE '%!%' ESCAPE '!' COLLATE "nocase"))`,
    "('key'), ('x%')",
    "('9')",
    `CHECK (a = 'KEY' OR a GLOB '[a-z]*' AND a LIKE '%!%' ESCAPE '!' COLLATE "nocase")`,
  ],
  [
    "subscripts of JSON",
    `CREATE TABLE t(j TEXT CHECK (j ->> '$[0]' > 1 AND j -> 1 IS NOT NULL))`,
    "('[2,3]')",
    "('[1,3]')",
    "CHECK (j ->> '$[0]' > 1 AND j -> 1 IS NOT NULL)",
  ],
  [
    "names of the table before its columns",
    "CREATE TABLE t(a INT, x INT, CHECK (\"T\" . a > 1.5 AND main.t.x <> 2), CHECK (x <> x'00'))",
    "(2, 1)",
    "(1, 1)",
    'CHECK ("T" . a > 1.5 AND main.t.x <> 2)',
  ],
  [
    "the affinity of a column",
    "CREATE TABLE t(n INTEGER CHECK (n IN ('1', '2')), s TEXT CHECK (s <> 3))",
    "(1, 'x'), (2, '4')",
    "(1, '3')",
    "CHECK (s <> 3)",
  ],
  [
    "generated columns",
    "CREATE TABLE t(a INT, b INT AS (a * 2) STORED, c INT AS (a * 3) CHECK (b + c < 50))",
    "(1)",
    "(10)",
    "CHECK (b + c < 50)",
  ],
  [
    "WITHOUT ROWID",
    "CREATE TABLE t(k TEXT, l TEXT, n INT CHECK (n), PRIMARY KEY (k, l DESC)) WITHOUT ROWID",
    "('a', 'a', 1)",
    "('a', 'b', 0)",
    "CHECK (n)",
  ],
  ["STRICT", "CREATE TABLE t(n REAL CHECK (n < 1)) STRICT", "(0.5)", "(1)", "CHECK (n < 1)"],
  [
    "a table whose rowid has no name",
    "CREATE TABLE t(rowid INT CHECK (rowid > 0), _rowid_, oid)",
    "(1, 1, 1)",
    "(0, 1, 1)",
    "CHECK (rowid > 0)",
  ],
];

describe("rows that break a CHECK", () => {
  test.each(SHAPES)("are a warning by table and constraint: %s", async (_, ...shape) => {
    const [create, kept, bad, check] = shape;
    expect(await warningsOf(create, `INSERT INTO t VALUES ${kept}`)).not.toContainEqual(
      expect.stringContaining("CHECK is ignored"),
    );
    const db = databaseOf(create, `INSERT INTO t VALUES ${kept}`, `INSERT INTO t VALUES ${bad}`);
    const { warnings } = await dumpDatabase(nodeSqliteSource(db));
    expect(warnings).toContain(broken("t", check));
    db.exec("PRAGMA ignore_check_constraints = OFF; DELETE FROM t");
    db.exec(`INSERT INTO t VALUES ${kept}`);
    expect(() => db.exec(`INSERT INTO t VALUES ${bad}`)).toThrow("CHECK constraint failed");
  });

  test("are a warning when a column came with its CHECK later", async () => {
    expect(
      await warningsOf(
        "CREATE TABLE t(a)",
        "INSERT INTO t VALUES (1)",
        "ALTER TABLE t ADD COLUMN b INT DEFAULT 1 CONSTRAINT positive CHECK (b > 0)",
        "UPDATE t SET b = -1",
        "ALTER TABLE t RENAME COLUMN b TO c",
      ),
    ).toEqual([broken("t", 'CONSTRAINT "positive" CHECK (c > 0)')]);
  });

  test("are found wherever pages and chunks end, and among rows that are read cell by cell", async () => {
    const source = nodeSqliteSource(
      databaseOf(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, a INT CHECK (a > 0), b CHECK (length(b) < 10), c CHECK (c))",
        "INSERT INTO t WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) SELECT i, i, i, i FROM n",
        "UPDATE t SET a = -a WHERE id IN (17, 250)",
        "UPDATE t SET b = hex(zeroblob(1900000)) WHERE id = 200",
      ),
    );
    const expected = [broken("t", "CHECK (a > 0)"), broken("t", "CHECK (length(b) < 10)")];
    for (let seed = 1; seed <= 5; seed += 1) {
      expect((await dumpDatabase(source, randomCutting(seed))).warnings).toEqual(expected);
    }
  });

  test("are no warning of formats that have no constraints, nor of a schema", async () => {
    const source = nodeSqliteSource(
      databaseOf("CREATE TABLE t(a CHECK (a > 0))", "INSERT INTO t VALUES (-1)"),
    );
    expect((await exportDatabase(source, undefined, { format: "csv" })).warnings).toEqual([]);
    const schema = await dumpDatabase(source, undefined, { content: "schema" });
    expect(schema.warnings).toEqual([]);
  });

  test("let rows be exported when the condition cannot be evaluated, with a warning", async () => {
    const source = nodeSqliteSource(
      databaseOf(
        "CREATE TABLE t(j TEXT CHECK (json_extract(j, '$.a') > 0))",
        `INSERT INTO t VALUES ('{"a": 1}'), ('{')`,
      ),
    );
    const { bytes, warnings } = await dumpDatabase(source);
    expect(warnings).toEqual([
      'the CHECK constraints of table "t" cannot be evaluated (malformed JSON): ' +
        "rows that violate one load only if CHECK is ignored",
    ]);
    expect(Buffer.from(bytes).toString("utf8")).toContain("'{'");
  });

  test("let rows be exported when the constraints are too long or too deep for a query", async () => {
    const list = Array.from({ length: 12_400 }, (_, n) => 100_000 + n).join(", ");
    const deep = `${"(1 + ".repeat(98)}a${")".repeat(98)} > 0`;
    const warnings = await warningsOf(
      `CREATE TABLE long(a CHECK (a IN (${list})))`,
      `CREATE TABLE deep(a CHECK (${deep}))`,
      "INSERT INTO long VALUES ('x')",
      "INSERT INTO deep VALUES (1)",
    );
    expect(warnings).toEqual([
      expect.stringContaining('of table "long" cannot be evaluated (their text is too long)'),
      expect.stringContaining('of table "deep" cannot be evaluated (Expression tree is too large'),
    ]);
  });
});

const plan = (catalog: Catalog) =>
  planDump({ source: "main", format: "sql", content: "all" }, catalog);

test("a dump that is read in one turn reports rows that break a CHECK", async () => {
  const source = nodeSqliteSource(
    databaseOf("CREATE TABLE t(a CHECK (a > 0))", "INSERT INTO t VALUES (-1)"),
  );
  const catalog = await readCatalog(source);
  const whole = await readInOneTurn(source, {
    ...plan(catalog),
    catalogDigest: await digestCatalog(catalog),
    bytesMax: 1e6,
  });
  expect(whole?.pieces.flatMap(({ warnings }) => warnings)).toEqual([broken("t", "CHECK (a > 0)")]);
});

test("a snapshot reports rows that break a CHECK, of tables that it copies and that it watches", async () => {
  const db = databaseOf(
    "CREATE TABLE small(n INTEGER CHECK (n IN ('1', '2')), s TEXT COLLATE NOCASE CHECK (s = 'A'))",
    "INSERT INTO small VALUES (1, 'a'), (2, 'b')",
    "CREATE TABLE fine(n INTEGER CHECK (n IN ('1', '2')))",
    "INSERT INTO fine VALUES (1), (2)",
    "CREATE TABLE json(j CHECK (json_extract(j, '$.a') > 0))",
    "INSERT INTO json VALUES ('{')",
    "CREATE TABLE big(id INTEGER PRIMARY KEY, n INTEGER CHECK (n IN ('1', '2')), x)",
    "INSERT INTO big WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) SELECT i, 1, hex(zeroblob(500)) FROM n",
    "UPDATE big SET n = 3 WHERE id = 2900",
  );
  const source = nodeSqliteSource(db);
  const snapshotId = crypto.randomUUID();
  const opened = await openSnapshot(source, {
    snapshotId,
    jobId: "job",
    undoBytesMax: 1e9,
    planDump: (catalog) => plan(catalog),
    isLeftover: () => false,
    manyTables: 0,
  });
  expect(opened.record.tables.map(({ name, heldBy }) => [name, heldBy])).toEqual([
    ["small", "page"],
    ["fine", "page"],
    ["json", "page"],
    ["big", "undo"],
  ]);
  expect(opened.warnings).toEqual([
    broken("small", "CHECK (s = 'A')"),
    expect.stringContaining('of table "json" cannot be evaluated (malformed JSON)'),
  ]);
  db.exec("UPDATE big SET n = 2 WHERE id = 5");
  const reader = new SnapshotReader(source, opened.record, { undoBytesMax: 1e9 });
  const found = new Set<string>();
  for await (const { warnings } of readDump({
    ...plan(opened.catalog),
    reader,
    cursor: CURSOR_START,
  })) {
    for (const warning of warnings) found.add(warning);
  }
  expect([...found]).toEqual([broken("big", "CHECK (n IN ('1', '2'))")]);
  await closeSnapshot(source, snapshotId);
});

test("warnings of rows are added once, and stay bounded", () => {
  expect(addWarnings(["a"], ["b", "a", "b"])).toEqual(["a", "b"]);
  const full = Array.from({ length: WARNINGS_MAX }, (_, n) => `${n}`);
  const cut = addWarnings(full, ["new"]);
  expect(cut).toEqual(boundWarnings([...full, "new"]));
  expect(addWarnings(cut, ["newer"])).toEqual(cut);
});
