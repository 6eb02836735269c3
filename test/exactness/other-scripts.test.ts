import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import * as fc from "fast-check";
import { afterAll, expect, test } from "vitest";

import { ExportError } from "../../src/api/errors.ts";
import { decodeIfUtf8 } from "../../src/lib/bytes.ts";
import { classifyStatement } from "../../src/loading/classify-statement.ts";
import { splitLongInsert } from "../../src/loading/long-statement.ts";
import { StatementSplitter } from "../../src/sqlite/statement-splitter.ts";
import { compareDatabases, findReadError } from "../support/compare-databases.ts";
import { loadDump, type Loading } from "../support/load-dump.ts";
import { NAME_TRAPS } from "../support/name-traps.ts";
import {
  nodeSqliteSource,
  openPlatformDatabase,
  PLATFORM_LIMITS,
} from "../support/node-sqlite-source.ts";
import { buildDatabase, databaseArbitrary, scriptOf } from "../support/random-database.ts";
import { hasShell } from "../support/restore-dump.ts";
import { TRAPS } from "../support/traps.ts";

const folder = mkdtempSync(join(tmpdir(), "scripts-"));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
const newPath = (): string => {
  files += 1;
  return join(folder, `${files}.db`);
};

/** As the shell opens a database. */
const OPTIONS = {
  enableDoubleQuotedStringLiterals: true,
  enableForeignKeyConstraints: false,
  defensive: false,
};

/** The shell's own dump of a database. */
function dumpByShell(build: (db: DatabaseSync) => void): Buffer {
  const path = newPath();
  const db = new DatabaseSync(path, OPTIONS);
  build(db);
  db.close();
  return execFileSync("sqlite3", [path, ".dump"], { maxBuffer: 1e9 });
}

/** How a script ends in a target like the platform's. */
async function loadOrRefuse(
  script: Uint8Array,
  loading: Partial<Loading> = {},
): Promise<{ target: DatabaseSync; refusal: ExportError | undefined }> {
  const target = openPlatformDatabase();
  target.exec("PRAGMA foreign_keys = ON");
  try {
    await loadDump(nodeSqliteSource(target), script, loading);
    return { target, refusal: undefined };
  } catch (error) {
    if (!(error instanceof ExportError)) throw error;
    return { target, refusal: error };
  }
}

/**
 * What Node's SQLite loads from a script; undefined if a statement fails. Unlike the shell, which may be older, it
 * reads literals of reals exactly and keeps CR before LF. Text that is not valid UTF-8 is bound, since Node's strings
 * cannot hold it.
 */
function loadByNode(script: Uint8Array): DatabaseSync | undefined {
  const path = newPath();
  const db = new DatabaseSync(path, OPTIONS);
  try {
    for (const { bytes, start } of new StatementSplitter().push(script)) {
      const text = bytes.subarray(start);
      const sql = decodeIfUtf8(text);
      if (sql === undefined) runBound(db, text);
      else db.exec(sql);
    }
  } catch {
    return undefined;
  } finally {
    db.close();
  }
  // Virtual tables that were written into the schema exist after it is read again.
  return new DatabaseSync(path, OPTIONS);
}

function runBound(db: DatabaseSync, text: Uint8Array): void {
  const found = classifyStatement(text);
  const rowsAt = found.kind === "insert" ? found.rowsAt : 0;
  for (const { sql, params = [] } of splitLongInsert(text, rowsAt)) {
    db.prepare(sql).run(...params.map((value) => new Uint8Array(value as ArrayBuffer)));
  }
}

async function findDifferences(
  build: (db: DatabaseSync) => void,
  loading?: Partial<Loading>,
): Promise<string[]> {
  const script = dumpByShell(build);
  const { target, refusal } = await loadOrRefuse(script, loading);
  if (refusal !== undefined) {
    expect(refusal.code).toMatch(/^(?:statement-failed|script-invalid)$/);
    expect(refusal.message).toMatch(
      /^statement \d+, line \d+|^the rows of "|^the virtual table ".*" cannot be restored/,
    );
    return REFUSABLE.test(refusal.message) || loadByNode(script) === undefined
      ? []
      : [refusal.message];
  }
  const expected = loadByNode(script);
  if (expected === undefined) return ["SQLite does not load the dump"];
  const indexes = listSearchIndexes(expected);
  const misfits = indexes.filter((name) => isMisfit(expected, name));
  const unreadableTables = misfits.filter((name) => findReadError(expected, name) !== undefined);
  const differences = compareDatabases(expected, target, { unreadableTables });
  // An index that does not fit its content is built from its content, and is in order then.
  return differences.filter(
    (each) =>
      !misfits.some((name) => each.startsWith(`${name}_docsize`)) &&
      !(misfits.length > 0 && each.startsWith('integrity check: [{"integrity_check":"ok"}]')),
  );
}

function listSearchIndexes(db: DatabaseSync): string[] {
  return db
    .prepare("SELECT name FROM sqlite_schema WHERE sql LIKE 'CREATE VIRTUAL TABLE%USING fts5%'")
    .all()
    .map(({ name }) => String(name));
}

/** True if a search index does not fit its content, that of another table included (https://sqlite.org/fts5.html). */
function isMisfit(db: DatabaseSync, name: string): boolean {
  const quoted = `"${name.replaceAll('"', '""')}"`;
  try {
    db.exec(`INSERT INTO ${quoted}(${quoted}, rank) VALUES ('integrity-check', 1)`);
    return false;
  } catch {
    return true;
  }
}

/** What the platform cannot hold, or a shell's dump does not contain. */
const REFUSABLE =
  /internal tables of the module|cannot be read from its content|keeps no content|the platform reserves that name|a literal of it has 2\d{6} bytes, and the platform accepts at most 2000000: INSERT INTO .*\breplace\(|stores the locale|no such table: main\.|FOREIGN KEY constraint failed|foreign key mismatch|CHECK constraint failed|on shadow tables|the script ends within/s;

test
  .skipIf(!hasShell())
  .each([...TRAPS, ...NAME_TRAPS].filter(({ notByShell }) => notByShell !== true))(
  "loads what sqlite3 .dump writes of a database that $title",
  async (trap) => {
    const build = (db: DatabaseSync): void => {
      for (const statement of trap.script) db.exec(statement);
    };
    expect(await findDifferences(build)).toEqual([]);
  },
);

test.skipIf(!hasShell())(
  "loads what sqlite3 .dump writes of random databases, however the script arrives",
  async () => {
    await fc.assert(
      fc.asyncProperty(
        databaseArbitrary,
        fc.record({
          pieceBytes: fc.integer({ min: 50, max: 5_000 }),
          textBytesMax: fc.integer({ min: 2_000, max: 20_000 }),
          sliceRows: fc.integer({ min: 1, max: 40 }),
        }),
        async (database, loading) => {
          const build = (db: DatabaseSync): void => {
            // A row or an index entry that the platform cannot hold is refused, and other tests see that.
            db.limits.length = PLATFORM_LIMITS.length;
            buildDatabase(db, scriptOf(database));
          };
          expect(await findDifferences(build, loading)).toEqual([]);
        },
      ),
      { numRuns: 20 },
    );
  },
);

test.skipIf(!hasShell())(
  "builds a search index again if the shell dropped the text after a NUL",
  async () => {
    const build = (db: DatabaseSync): void => {
      db.exec('CREATE VIRTUAL TABLE "a name\nof two lines" USING fts5(body)');
      db.exec(`INSERT INTO "a name\nof two lines" VALUES (CAST(X'00414243' AS TEXT))`);
    };
    expect(await findDifferences(build)).toEqual([]);
  },
);

test("refuses a virtual table whose internal tables have names of the platform", async () => {
  const script = `INSERT INTO sqlite_schema VALUES('table','_cf','_cf',0,'CREATE VIRTUAL TABLE _cf USING fts5(a)');
CREATE TABLE IF NOT EXISTS '_cf_content'(id INTEGER PRIMARY KEY, c0);
INSERT INTO _cf_content VALUES(1,'kept');`;
  const { refusal } = await loadOrRefuse(Buffer.from(script));
  expect(refusal).toMatchObject({
    code: "script-invalid",
    message:
      'the virtual table "_cf" cannot be restored from this script: ' +
      "one of its internal tables is named _cf_data, and the platform reserves that name",
  });
});

/** Loads a script by SQLite itself; undefined if a statement fails or the script is cut off. */
function loadBySqlite(script: string): DatabaseSync | undefined {
  const db = new DatabaseSync(":memory:", OPTIONS);
  try {
    db.exec(script);
  } catch {
    return undefined;
  }
  return db.isTransaction ? undefined : db;
}

const SMALL =
  `\u{feff}-- made by hand\r
CREATE TABLE p(id INTEGER PRIMARY KEY, name TEXT NOT NULL DEFAULT 'it''s; "x"') STRICT;\r
CREATE TABLE c(p REFERENCES p(id), /* ; */ q) WITHOUT ROWID -- no key
`.replace(") WITHOUT ROWID -- no key", ");") +
  `INSERT INTO c VALUES (2, replace('a\\nb','\\n',char(10))), (1, X'00ff');
INSERT INTO p VALUES (1, ';'), (2, 'two');
CREATE INDEX i ON c(q) ;
INSERT INTO p(name) VALUES ('three') ON CONFLICT(id) DO NOTHING;
CREATE VIEW v AS SELECT id, CASE WHEN id > 1 THEN 'x' ELSE 'y' END AS e FROM p;
CREATE TRIGGER t INSTEAD OF INSERT ON v BEGIN INSERT INTO p VALUES (new.id, CASE new.e WHEN 1 THEN 'END;' END); END;
INSERT INTO v VALUES (9, 1);
DROP TABLE IF EXISTS nowhere;
UPDATE p SET name = 'zwei' WHERE id = 2;
INSERT INTO c SELECT id, last_insert_rowid() FROM p
`;

test("a script that is cut off at any byte is refused before anything changes, or loaded as SQLite loads it", async () => {
  const script = Buffer.from(SMALL);
  const outcomes = new Set<string>();
  for (let length = 0; length <= script.length; length += 1) {
    const cut = script.subarray(0, length);
    const { target, refusal } = await loadOrRefuse(cut, { pieceBytes: 200 });
    if (refusal === undefined) {
      const expected = loadBySqlite(cut.toString());
      expect(expected, `cut at ${length}`).toBeDefined();
      expect(compareDatabases(expected as DatabaseSync, target), `cut at ${length}`).toEqual([]);
    } else if (!/FOREIGN KEY constraint failed/.test(refusal.message)) {
      // Rows whose parents are cut off cannot be told from a broken foreign key.
      expect(refusal.message, `cut at ${length}`).toMatch(
        /^(?:statement \d+, line \d+: |the script contains no)/,
      );
      expect(target.prepare("SELECT name FROM sqlite_master").all(), `cut at ${length}`).toEqual(
        [],
      );
    }
    outcomes.add(refusal === undefined ? "loaded" : refusal.code);
  }
  expect([...outcomes].sort()).toEqual(["loaded", "script-invalid", "statement-failed"]);
});

test.each<[string, string | Buffer, RegExp]>([
  ["an empty file", "", /contains no statement/],
  ["only comments", "-- nothing\n/* at all */\n", /contains no statement/],
  ["an open comment", "SELECT 1; /* cut", /ends within this statement/],
  [
    "a database file",
    Buffer.concat([Buffer.from("SQLite format 3\0\x10"), Buffer.alloc(80)]),
    /is an SQLite database: `npx durable-export restore` makes a script/,
  ],
  ["UTF-16", Buffer.from("\ufeffSELECT 1;", "utf16le"), /is text in UTF-16: convert it/],
  ["gzip in gzip", Buffer.from([0x1f, 0x8b, 8, 0, 0]), /is compressed twice: decompress it once/],
  ["a ZIP archive", Buffer.from("PK\u0003\u0004\u0014\u0000"), /is a ZIP archive: unpack it/],
  [
    "a name that is not UTF-8",
    Buffer.from("CREATE TABLE t(a);\nCREATE TABLE stra\u00dfe(a);", "latin1"),
    /statement 2, line 2: its text is not valid UTF-8/,
  ],
  [
    "rows of a table whose name is not UTF-8",
    Buffer.from("INSERT INTO t VALUES(1);\nINSERT INTO stra\u00dfe VALUES(1);", "latin1"),
    /statement 2, line 2: its names are not valid UTF-8/,
  ],
  [
    "a conflict clause that is not UTF-8",
    Buffer.from("INSERT INTO t VALUES(1) ON CONFLICT DO UPDATE SET a = '\u00e4';", "latin1"),
    /statement 1, line 1: its text is not valid UTF-8/,
  ],
  ...[
    "CREATE TABLE TMP_Export_Restore(a);",
    "INSERT INTO tmp_export_restore SELECT * FROM t;",
    "REPLACE INTO main.tmp_export_restore VALUES(1);",
    "UPDATE tmp_export_restore SET pass = 3;",
    'DELETE FROM "tmp_export_restore";',
    "DROP TABLE IF EXISTS tmp_export_restore;",
    "ALTER TABLE tmp_export_restore RENAME TO t;",
    "CREATE INDEX i ON tmp_export_restore(pass);",
    "CREATE TRIGGER r AFTER UPDATE ON tmp_export_restore BEGIN SELECT 1; END;",
  ].map((sql): [string, string, RegExp] => [
    sql,
    `CREATE TABLE t(a);\n${sql}`,
    /statement 2, line 2: a restore keeps its position in the table tmp_export_restore/,
  ]),
  ["CSV", "id,name\n1,one\n2,two\n", /no SQL statement begins like this/],
  ["JSON", '[{"id": 1}]', /no SQL statement begins like this/],
  [
    "a command of the shell",
    "CREATE TABLE t(a);\n.import x t\n;",
    /statement 2, line 2: a command of the sqlite3 shell/,
  ],
  [
    "a dump that met an error",
    "BEGIN;\nCREATE TABLE t(a);\nROLLBACK; -- due to errors\n",
    /statement 3, line 3: ROLLBACK/,
  ],
  [
    "an unfinished transaction",
    "BEGIN;\nCREATE TABLE t(a);\n",
    /statement 1, line 1: the script does not end the transaction/,
  ],
  ["ATTACH", "ATTACH 'x' AS y;", /needs a second database file/],
  ["a temporary table", "CREATE TEMP TABLE t(a);", /no temporary tables/],
  [
    "a statement that is too long",
    `CREATE VIEW v AS SELECT '${"x".repeat(100_001)}';`,
    /runs at most 100000/,
  ],
  [
    "a value that is too long",
    `CREATE TABLE t(a);\nINSERT INTO t VALUES('${"x".repeat(2_000_001)}');`,
    /statement 2, line 2: a literal of it has 2000001 bytes/,
  ],
  [
    "an action of a foreign key that is off",
    "PRAGMA foreign_keys=OFF;CREATE TABLE p(a PRIMARY KEY);CREATE TABLE c(p REFERENCES p ON DELETE CASCADE);DELETE FROM p;",
    /would also change rows of "c"/,
  ],
  ["changes()", "CREATE TABLE t(a);INSERT INTO t VALUES(changes());", /depends on the connection/],
])("refuses %s before anything changes", async (_, script, message) => {
  for (const pieceBytes of [1, 1_000_000]) {
    if (pieceBytes === 1 && script.length > 1_000) continue;
    const { target, refusal } = await loadOrRefuse(Buffer.from(script), { pieceBytes });
    expect(refusal?.code).toBe("script-invalid");
    expect(refusal?.message).toMatch(message);
    expect(target.prepare("SELECT name FROM sqlite_master").all()).toEqual([]);
  }
});

const row = (values: string[]): string => `(${values.join(",")})`;
const LONG = "it''s\r\n\u{1f98b}".repeat(120_000);

test.each<[string, string, Partial<Loading>?]>([
  [
    "literals of 2 MB",
    `CREATE TABLE t(a, b);INSERT INTO t VALUES('${"''\n".repeat(600_000)}',1);INSERT INTO t VALUES(X'${"0f".repeat(1_900_000)}',2);INSERT INTO t VALUES(replace('${LONG}','\\n',char(10)),3);`,
  ],
  [
    "100 long literals in a row",
    `CREATE TABLE t(${Array.from({ length: 100 }, (_, at) => `c${at}`).join(",")});INSERT INTO t VALUES${row(Array.from({ length: 100 }, (_, at) => `'${String(at).repeat(8_000)}'`))};`,
  ],
  [
    "a statement of many short rows",
    `CREATE TABLE t(a, b);INSERT INTO t VALUES\n${Array.from({ length: 300_000 }, (_, at) => `(${at},'r;')`).join(",\n")};`,
  ],
  [
    "triggers that exist before the rows",
    "CREATE TABLE t(a);CREATE TABLE log(id INTEGER PRIMARY KEY AUTOINCREMENT, n, m);CREATE TRIGGER r AFTER INSERT ON t BEGIN INSERT INTO log(n, m) VALUES (new.a, (SELECT count(*) FROM t)); END;INSERT INTO t VALUES(1);INSERT INTO t VALUES(2);INSERT INTO t VALUES(3),(4);",
  ],
  [
    "columns that are added before the rows",
    "CREATE TABLE t(id INTEGER PRIMARY KEY, CHECK (id > 0)); ALTER TABLE t ADD COLUMN p REFERENCES t(id); INSERT INTO t VALUES(1, 2); INSERT INTO t VALUES(2, 1);",
  ],
  [
    "a table that is renamed",
    "CREATE TABLE a(id INTEGER PRIMARY KEY); CREATE TABLE c(a REFERENCES a); ALTER TABLE a RENAME TO b; INSERT INTO c VALUES(1); INSERT INTO b VALUES(1);",
  ],
  [
    "rows that come in two stretches",
    "CREATE TABLE t(id INTEGER PRIMARY KEY, p REFERENCES t(id));INSERT INTO t VALUES(1, 2),(2, NULL);UPDATE t SET p = 1;INSERT INTO t(p) VALUES(1);",
  ],
  [
    "conflict clauses",
    "CREATE TABLE t(a UNIQUE, b);INSERT OR IGNORE INTO t VALUES(1,1);INSERT OR IGNORE INTO t VALUES(1,2);REPLACE INTO t VALUES(1,3);INSERT INTO t VALUES(1,4) ON CONFLICT(a) DO UPDATE SET b = (5);",
  ],
  [
    "last_insert_rowid()",
    `CREATE TABLE t(id INTEGER PRIMARY KEY, a);CREATE TABLE c(t);${"INSERT INTO t(a) VALUES('x');INSERT INTO c VALUES(last_insert_rowid());".repeat(40)}`,
    { textBytesMax: 1 },
  ],
  [
    "what wrangler d1 export writes",
    `PRAGMA defer_foreign_keys=TRUE;\nCREATE TABLE d1_migrations(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT);\nINSERT INTO "d1_migrations" ("id","name") VALUES(1,'0001');\nCREATE TABLE c(p REFERENCES p(id));\nINSERT INTO "c" ("p") VALUES(1);\nCREATE TABLE p(id INTEGER PRIMARY KEY);\nINSERT INTO "p" ("id") VALUES(1);\nDELETE FROM sqlite_sequence;\nINSERT INTO "sqlite_sequence" ("name","seq") VALUES('d1_migrations',7);\n`,
  ],
  [
    "a UNIQUE index that a foreign key needs, after the rows",
    "CREATE TABLE p(code TEXT, n);CREATE TABLE c(p REFERENCES p(code));INSERT INTO c VALUES('x');INSERT INTO p VALUES('x',1),('y',2);CREATE UNIQUE INDEX i ON p(code);CREATE TRIGGER r AFTER INSERT ON p BEGIN DELETE FROM c; END;",
  ],
  [
    "comments after rows",
    "CREATE TABLE t(a);INSERT INTO t VALUES(1) -- one )\n;INSERT INTO t VALUES(2) /* :) */ ;INSERT INTO t VALUES(3);INSERT INTO t VALUES(4)",
  ],
])("loads %s as SQLite does", async (_, script, loading) => {
  const { target, refusal } = await loadOrRefuse(Buffer.from(script), { sliceRows: 1, ...loading });
  expect(refusal).toBeUndefined();
  expect(compareDatabases(loadBySqlite(script) as DatabaseSync, target)).toEqual([]);
});

test("loads what StarbaseDB dumps: a file's header, and then text", async () => {
  const text = "SQLite format 3\0-- Table: t\nCREATE TABLE t(a);\n\nINSERT INTO t VALUES (1);\n\n";
  for (const pieceBytes of [1, 7, 16, 1_000]) {
    const { target, refusal } = await loadOrRefuse(Buffer.from(text), {
      pieceBytes,
      textBytesMax: 1,
    });
    expect(refusal).toBeUndefined();
    expect(target.prepare("SELECT a FROM t").all()).toEqual([{ a: 1 }]);
  }
  const { refusal } = await loadOrRefuse(Buffer.from(`${text}oops;`));
  expect(refusal?.details).toMatchObject({ statement: 3, line: 6, offset: text.length });
});

test("loads invalid UTF-8 and unistr() of newer shells", async () => {
  const script = Buffer.concat([
    Buffer.from(
      "CREATE TABLE t(a);INSERT INTO t VALUES(unistr('a\\u000ab''\\\\\\+01f98b'));INSERT INTO t VALUES('",
    ),
    Buffer.from([0xff, 0x27, 0x27, 0xc3]),
    Buffer.from("');INSERT INTO t VALUES(unistr('\\ud800'));"),
  ]);
  const { target, refusal } = await loadOrRefuse(script);
  expect(refusal).toBeUndefined();
  const rows = target.prepare("SELECT typeof(a) || hex(a) AS a FROM t").all();
  expect(rows.map(({ a }) => a)).toEqual(["text610A62275CF09FA68B", "textFF27C3", "textEDA080"]);
});
