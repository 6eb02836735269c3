import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openSourceFile } from "./source-file.ts";
import { UnusableFile } from "../cli/unusable-file.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "durable-export-source-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function databaseWith(sql: string): string {
  const path = join(folder, "source.sqlite");
  rmSync(path, { force: true });
  const db = new DatabaseSync(path, { enableForeignKeyConstraints: false, defensive: false });
  db.exec(sql);
  db.close();
  return path;
}

/** SQL that changes a definition as only another program could have written it. */
function renamed(name: string, sql: string): string {
  const text = sql.replaceAll("'", "''");
  return `PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = '${text}' WHERE name = '${name}'`;
}

/** SQL that makes a table `t` of this definition, which this SQLite refuses. */
function withSchema(sql: string): string {
  const plain = sql.replace("COLLATE MINE", "").replaceAll("mine(", "abs(");
  return `${plain}; ${renamed("t", sql)}`;
}

describe("openSourceFile", () => {
  test("reads what the file consists of", async () => {
    const path = databaseWith(`
      CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT, b);
      INSERT INTO a(b) VALUES (1), (2);
      CREATE VIRTUAL TABLE own USING fts5(x);
      INSERT INTO own VALUES ('one');
      CREATE VIRTUAL TABLE other USING fts5(b, content='a', content_rowid='id');
      CREATE VIRTUAL TABLE contentless USING fts5(x, content='');
      CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; END;
      CREATE VIEW v AS SELECT b FROM a;
      CREATE INDEX i ON a(b);
      ANALYZE;
    `);
    const { schema, rowCounts, close } = await openSourceFile(path);
    close();
    expect(schema.tables.map(({ name, virtual }) => [name, virtual?.content])).toEqual([
      ["a", undefined],
      ["own", "rows"],
      ["other", "rebuild"],
      ["contentless", "none"],
    ]);
    expect(schema.objects.map(({ name }) => name)).toEqual(["i", "v", "t"]);
    expect(schema.hasSequence).toBe(true);
    expect([...rowCounts]).toEqual([
      ["a", 2],
      ["own", 1],
    ]);
  });

  test("takes an empty file for an empty database", async () => {
    const path = join(folder, "empty.sqlite");
    writeFileSync(path, "");
    const { schema, close } = await openSourceFile(path);
    close();
    expect(schema.tables).toEqual([]);
  });

  test("refuses a path that does not exist", async () => {
    const path = join(folder, "missing.sqlite");
    await expect(openSourceFile(path)).rejects.toThrow(new UnusableFile(`${path} does not exist`));
  });

  test("refuses a folder", async () => {
    await expect(openSourceFile(folder)).rejects.toThrow(/is not a file/);
  });

  test.each([
    ["of text", Buffer.from("name,city\n")],
    ["that is encrypted", Buffer.alloc(8192, 0x9d)],
  ])("refuses a file %s", async (_, bytes) => {
    const path = join(folder, "text.sqlite");
    writeFileSync(path, bytes);
    await expect(openSourceFile(path)).rejects.toThrow(
      `${path} is not an SQLite database (or it is encrypted)`,
    );
  });

  test("refuses a database whose pages are damaged", async () => {
    const path = databaseWith(`CREATE TABLE t (a); INSERT INTO t VALUES (zeroblob(100000))`);
    truncateSync(path, 20_000);
    await expect(openSourceFile(path)).rejects.toThrow(
      "database disk image is malformed (the file is damaged; `sqlite3 FILE .recover` may save its rows)",
    );
  });

  test("says that another program is writing the file", async () => {
    const path = databaseWith("CREATE TABLE t (a)");
    const lock = `const db = new (require("node:sqlite").DatabaseSync)(${JSON.stringify(path)});
      db.exec("BEGIN EXCLUSIVE"); console.log("ready"); setInterval(() => {}, 1000);`;
    const writer = spawn(process.execPath, ["-e", lock]);
    await once(writer.stdout, "data");
    await expect(openSourceFile(path)).rejects.toThrow(
      "database is locked (another program is writing it; try again when it has finished)",
    );
    writer.kill();
    await once(writer, "exit");
  });

  test("counts a text of UTF-16 by its bytes in UTF-8", async () => {
    const ascii = databaseWith(
      "PRAGMA encoding = 'UTF-16le'; CREATE TABLE t (a); INSERT INTO t VALUES (hex(zeroblob(900000)))",
    );
    (await openSourceFile(ascii)).close();
    const euros = databaseWith(
      "PRAGMA encoding = 'UTF-16le'; CREATE TABLE t (a); INSERT INTO t VALUES (replace(hex(zeroblob(400000)), '0', '€'))",
    );
    await expect(openSourceFile(euros)).rejects.toThrow(/has a row of 24000\d\d bytes/);
  });

  test("takes names that only begin like this project's own", async () => {
    const path = databaseWith(
      "CREATE TABLE tmp_export_mine (a); CREATE TABLE __miniflare_mine (a)",
    );
    (await openSourceFile(path)).close();
  });

  test("takes foreign keys that refer to no key", async () => {
    const path = databaseWith(
      "CREATE TABLE p (a); CREATE TABLE c (a REFERENCES p(a), b REFERENCES gone)",
    );
    (await openSourceFile(path)).close();
  });

  test.each([
    [
      "a row over 2 MB",
      "CREATE TABLE t (a, b); INSERT INTO t VALUES (zeroblob(1500000), zeroblob(600000))",
      "a row of 2100000 bytes",
    ],
    [
      "over 100 columns",
      `CREATE TABLE t (${Array.from({ length: 101 }, (_, n) => `c${n}`).join(",")})`,
      "101 columns",
    ],
    ["a name of the platform", "CREATE TABLE _cf_KV (a)", 'the name "_cf_KV" is reserved'],
    [
      "names that leave an INSERT no space",
      `CREATE TABLE t (${Array.from({ length: 90 }, (_, n) => `${"c".repeat(1_000)}${n}`).join(",")})`,
      'the names of table "t" and its columns have 90',
    ],
    [
      "a name that would write to the terminal",
      'CREATE TABLE "_cf_\u001b[31m" (a)',
      'the name "_cf_ [31m" is reserved',
    ],
    [
      "a collation that SQLite does not have",
      withSchema("CREATE TABLE t (a TEXT COLLATE MINE PRIMARY KEY) WITHOUT ROWID"),
      'table "t" cannot be used: no such collation sequence: MINE',
    ],
    [
      "an index by such a collation",
      `CREATE TABLE t (a); CREATE INDEX i ON t (a); ${renamed("i", "CREATE INDEX i ON t (a COLLATE MINE)")}`,
      'index "i" cannot be used: no such collation sequence: MINE',
    ],
    [
      "a function that SQLite does not have in a CHECK",
      withSchema("CREATE TABLE t (a CHECK (mine(a)))"),
      'table "t" cannot be used: no such function: mine',
    ],
    [
      "such a function in a generated column",
      withSchema("CREATE TABLE t (a, b AS (mine(a)))"),
      'table "t" cannot be used: no such function: mine',
    ],
    [
      "a statement over 100,000 bytes",
      `CREATE VIEW v AS SELECT 1 /* ${"x".repeat(100_000)} */`,
      "at most 100000",
    ],
  ])("refuses %s, and names it", async (_, sql, message) => {
    const path = databaseWith(sql);
    await expect(openSourceFile(path)).rejects.toThrow(message);
  });
});
