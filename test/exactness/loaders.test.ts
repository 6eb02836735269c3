import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import { unstable_splitSqlQuery } from "wrangler";
import { restoreDump } from "../../cli/restore-dump.ts";
import { checkExactness } from "../support/check-exactness.ts";
import { compareDatabases } from "../support/compare-databases.ts";
import { dumpDatabase } from "../support/dump-database.ts";
import { nodeSqliteSource, openPlatformDatabase } from "../support/node-sqlite-source.ts";
import { hasShell } from "../support/restore-dump.ts";

const LESSON = "SQL lesson: BEGIN TRANSACTION; UPDATE a SET b=1; COMMIT; end";

function databaseOf(...script: string[]): DatabaseSync {
  const db = new DatabaseSync(":memory:", { enableDoubleQuotedStringLiterals: true });
  for (const statement of script) db.exec(statement);
  return db;
}

/** As `wrangler d1 execute --local --file` runs a file, with wrangler's own function. */
function restoreByWrangler(dump: Uint8Array): DatabaseSync {
  const db = openPlatformDatabase();
  db.exec("BEGIN");
  for (const statement of unstable_splitSqlQuery(Buffer.from(dump).toString("utf8"))) {
    db.exec(statement);
  }
  db.exec("COMMIT");
  return db;
}

describe("words of transactions", () => {
  test("arrives through wrangler's loader when text holds them, however it is read", async () => {
    const source = databaseOf(
      "CREATE TABLE lessons(id INTEGER PRIMARY KEY, t TEXT, u)",
      `INSERT INTO lessons(t, u) VALUES ('${LESSON}', '${LESSON} it''s'), ('COMMIT;', 'plain')`,
      `INSERT INTO lessons(t, u) VALUES (replace('${LESSON}', ' ', char(13, 10)) || '${LESSON}', 5)`,
      // A slice may end within the words.
      `INSERT INTO lessons(t) VALUES (replace(hex(zeroblob(3000)), '00', '${LESSON}'))`,
      "INSERT INTO lessons(t) VALUES (CAST(zeroblob(3) AS TEXT) || 'BEGIN TRANSACTION;')",
    );
    const { differences, dump } = await checkExactness(source, 11);

    expect(differences).toEqual([]);
    expect(dump.warnings).toEqual([]);
    expect(Buffer.from(dump.bytes).toString("utf8")).not.toMatch(/BEGIN TRANSACTION|COMMIT;/);
    expect(compareDatabases(source, restoreByWrangler(dump.bytes))).toEqual([]);
  });

  test("is a warning that names the object when the schema holds them", async () => {
    const source = databaseOf(
      `CREATE TABLE a(x DEFAULT 'BEGIN TRANSACTION;')`,
      `CREATE TABLE "b COMMIT;"(x)`,
      `CREATE TRIGGER c AFTER INSERT ON a BEGIN SELECT 'COMMIT;'; END`,
      "CREATE TABLE plain(x)",
    );
    const { warnings } = await dumpDatabase(nodeSqliteSource(source));

    expect(warnings.map((warning) => /the text of ("[^"]+") contains/.exec(warning)?.[1])).toEqual([
      '"a"',
      '"b COMMIT;"',
      '"c"',
    ]);
    const data = await dumpDatabase(nodeSqliteSource(source), undefined, { content: "data" });
    expect(data.warnings.join()).toMatch('the text of "b COMMIT;" contains');
  });
});

describe("strings in double quotes", () => {
  const SCRIPT = [
    `CREATE TABLE tickets("id" INTEGER PRIMARY KEY, state TEXT CHECK ("state" IN ("new", "done")), kind DEFAULT "x")`,
    `CREATE TABLE marked(a, b AS (a || "!"), CHECK ("marked"."a" <> CAST('1' AS "TEXT")))`,
    `CREATE INDEX "open" ON tickets("state" COLLATE "NOCASE") WHERE state = "new"`,
    `CREATE INDEX plain ON tickets("state")`,
    "INSERT INTO tickets(state) VALUES ('new'), ('done')",
    "INSERT INTO marked(a) VALUES ('2')",
  ];

  test("are warnings that name the table or index", async () => {
    const { warnings } = await dumpDatabase(nodeSqliteSource(databaseOf(...SCRIPT)));

    expect(warnings.map((warning) => /(\w+ "[^"]+") contains strings/.exec(warning)?.[1])).toEqual([
      'table "tickets"',
      'table "marked"',
      'index "open"',
    ]);
  });

  test("are no warning when every quoted name is one", async () => {
    const source = databaseOf(
      `CREATE TABLE "t"("a" "TEXT" CHECK ("a" <> '' AND length("a") < 9 AND "t"."a" NOT LIKE '"x"'), "b c" AS (upper("A")))`,
      `CREATE UNIQUE INDEX "i" ON "t"("a" COLLATE "NOCASE" DESC, lower("b c")) WHERE "a" > 'x'`,
    );
    expect((await dumpDatabase(nodeSqliteSource(source))).warnings).toEqual([]);
  });

  test.runIf(hasShell())(
    "load in a shell that refuses them, by the documented command",
    async () => {
      const source = databaseOf(...SCRIPT);
      const { bytes } = await dumpDatabase(nodeSqliteSource(source));
      const folder = mkdtempSync(join(tmpdir(), "quoted-"));
      try {
        const path = join(folder, "restored.db");
        const load = (commands: string[]): void => {
          const options = commands.flatMap((command) => ["-cmd", command]);
          execFileSync("sqlite3", ["-bail", ...options, path], {
            input: bytes,
            stdio: ["pipe", "ignore", "pipe"],
          });
        };
        // What current shells start with.
        expect(() => load([".dbconfig dqs_ddl off"])).toThrow(/no such column/);
        rmSync(path);
        load([".dbconfig dqs_ddl off", ".dbconfig dqs_ddl on"]);
        const options = { enableDoubleQuotedStringLiterals: true };
        expect(compareDatabases(source, new DatabaseSync(path, options))).toEqual([]);
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
  );
});

describe("rows that break the schema's rules", () => {
  const SCRIPT = [
    "CREATE TABLE parents(code TEXT, kind TEXT)",
    "CREATE INDEX not_unique ON parents(code)",
    "CREATE TABLE children(code TEXT REFERENCES parents(code))",
    "CREATE TABLE checked(n INTEGER CHECK (n > 0))",
    "PRAGMA foreign_keys = OFF",
    "INSERT INTO parents VALUES ('a', 'x'), ('a', 'y')",
    "INSERT INTO children VALUES ('a'), (NULL)",
    "PRAGMA ignore_check_constraints = ON",
    "INSERT INTO checked VALUES (-1), (1)",
  ];

  test("are a warning when a foreign key refers to what is no key, or when they break a CHECK", async () => {
    const { warnings } = await dumpDatabase(nodeSqliteSource(databaseOf(...SCRIPT)));

    expect(warnings).toEqual([
      'table "children" references "parents" ("code"), which is not a key of that table: ' +
        "its rows load only if foreign keys are not enforced",
      'table "checked" has rows that violate CHECK (n > 0): they load only if CHECK is ignored',
    ]);
  });

  test("are no warning when foreign keys refer to keys of every form", async () => {
    const source = databaseOf(
      "CREATE TABLE p(id INTEGER PRIMARY KEY, a UNIQUE, b, c, UNIQUE (b, c))",
      "CREATE UNIQUE INDEX p_c ON p(c)",
      "CREATE TABLE w(k TEXT, l TEXT, PRIMARY KEY (k, l)) WITHOUT ROWID",
      `CREATE TABLE child(i REFERENCES p, j REFERENCES P("ID"), k REFERENCES p(A), l REFERENCES p(c),
        m, n, FOREIGN KEY (m, n) REFERENCES p(c, b), FOREIGN KEY (n, m) REFERENCES w)`,
    );
    expect((await dumpDatabase(nodeSqliteSource(source))).warnings).toEqual([]);
  });

  test("load in the restore of verify", async () => {
    const { bytes } = await dumpDatabase(nodeSqliteSource(databaseOf(...SCRIPT)));
    const folder = mkdtempSync(join(tmpdir(), "rules-"));
    try {
      const path = join(folder, "dump.sql");
      writeFileSync(path, bytes);
      const promised = [
        { name: "parents", rows: 2 },
        { name: "children", rows: 2 },
        { name: "checked", rows: 2 },
      ];
      const options = { signal: new AbortController().signal, onBytes: () => {} };
      const restored = await restoreDump(path, promised, options);

      expect(restored.tables.map(({ rows }) => rows)).toEqual([2, 2, 2]);
      expect(restored.brokenRules).toEqual([
        'foreign keys of "children" reference columns that are not a key',
        'rows of "checked" violate a CHECK',
      ]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
