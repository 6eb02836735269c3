import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const DEMO = join(import.meta.dirname, "demo.ts");

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "durable-export-demo-test-"));
  mkdirSync(join(folder, "tmp"));
  const db = new DatabaseSync(join(folder, "tiny.sqlite"));
  db.exec(`
    CREATE TABLE authors (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT);
    CREATE TABLE books (title, author REFERENCES authors(id), cover);
    CREATE VIRTUAL TABLE search USING fts5(title);
    CREATE INDEX books_by_author ON books(author);
    CREATE TRIGGER books_search AFTER INSERT ON books BEGIN
      INSERT INTO search VALUES (NEW.title);
    END;
    CREATE VIEW titles AS SELECT title, name FROM books JOIN authors ON authors.id = author;
    INSERT INTO authors(name) VALUES ('Ürs O''Hara'), (CAST(X'61006200' AS TEXT));
    INSERT INTO books(rowid, title, author, cover) VALUES
      (7, 'One; two', 1, X'00ff'), (9, 9007199254740993, 2, NULL), (12, 1.0, 1, -0.0);
    PRAGMA foreign_keys = OFF;
    INSERT INTO books VALUES ('an orphan', 99, '');
  `);
  db.close();
});
afterAll(() => rmSync(folder, { recursive: true }));

function startDemo(...arguments_: string[]) {
  const child = spawn(process.execPath, [DEMO, ...arguments_, "--output", join(folder, "out")], {
    // The Worker's state goes there, too.
    env: { ...process.env, TMPDIR: join(folder, "tmp") },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  return {
    child,
    output: () => output,
    async ended(): Promise<number> {
      const [code] = (await once(child, "close")) as [number];
      return code;
    },
    async printed(pattern: RegExp): Promise<RegExpExecArray> {
      for (;;) {
        const found = pattern.exec(output);
        if (found !== null) return found;
        await once(child.stdout, "data");
      }
    },
  };
}

describe("npm run demo -- tiny.sqlite", () => {
  test("exports, restores and compares the file, and leaves nothing running", async () => {
    const demo = startDemo(join(folder, "tiny.sqlite"));
    const code = await demo.ended();
    expect(demo.output()).toContain("the restored database is the same");
    // An orphan cannot be restored into an object.
    expect(demo.output()).toMatch(/\nproof +failed: .*table "books".*FOREIGN KEY constraint/);
    expect(code).toBe(0);
    expect(readdirSync(join(folder, "tmp"))).toEqual([]);
    expect(existsSync(join(folder, "out", "tiny.dump.sql"))).toBe(true);
    const restored = new DatabaseSync(join(folder, "out", "tiny.restored.sqlite"));
    const found = restored.prepare("SELECT rowid FROM search WHERE search MATCH 'two'").all();
    restored.close();
    expect(found).toHaveLength(1);
  });

  test("restores from the sealed copy in S3 alone with --offsite, and leaves nothing running", async () => {
    const demo = startDemo(join(folder, "tiny.sqlite"), "--offsite");
    const code = await demo.ended();
    const output = demo.output();
    expect(output).toMatch(/\nworker +stopped, and its state is deleted\n/);
    expect(output).toContain("3 files from S3: dump.sql.gz.age, manifest.json, manifest.json.sig");
    expect(output).toMatch(/\nverify +manifest.json: signed by the key in durable-export.pub\n/);
    expect(output).toMatch(/\nverify +dump.sql.gz.age: size and SHA-256 match the manifest\n/);
    expect(output).toMatch(/\nrestore +\.\.\/tiny.restored.sqlite: /);
    expect(output).toContain("the restored database is the same");
    expect(code).toBe(0);
    const copy = join(folder, "out", "tiny.copy");
    expect(readdirSync(copy).toSorted()).toEqual([
      "dump.sql.gz.age",
      "durable-export.pub",
      "key.txt",
      "manifest.json",
      "manifest.json.sig",
    ]);
    expect(readdirSync(join(folder, "tmp"))).toEqual([]);
    const [, url = ""] = /\ns3 +(\S+),/.exec(output) ?? [];
    await expect(fetch(url)).rejects.toThrow();
  });

  test("ends with the proof that the dump has restored itself", async () => {
    const path = join(folder, "sound.sqlite");
    const db = new DatabaseSync(path);
    db.exec("CREATE TABLE t (a); INSERT INTO t VALUES (1), (2)");
    db.close();
    const demo = startDemo(path);
    expect(await demo.ended()).toBe(0);
    expect(demo.output()).toMatch(
      /\nproof +restored itself: equal, 2 rows in 1 piece, [\d.]+ s\n$/,
    );
  });

  test("says what no dump contains, and leaves nothing beside a file in WAL mode", async () => {
    const source = join(folder, "source");
    mkdirSync(source);
    const db = new DatabaseSync(join(source, "other.sqlite"));
    const columns = Array.from({ length: 100 }, (_, n) => `c${n}`).join(", ");
    db.exec(`
      PRAGMA journal_mode = WAL; PRAGMA user_version = 7; PRAGMA application_id = 1196444487;
      CREATE TABLE wide (${columns}); INSERT INTO wide(c0) VALUES (1), (2);
      CREATE VIRTUAL TABLE words USING fts5(word, content=''); INSERT INTO words(rowid, word) VALUES (1, 'a');
      CREATE TABLE checked (a CHECK (a > 0)); PRAGMA ignore_check_constraints = ON;
      INSERT INTO checked VALUES (-1);
    `);
    db.close();
    const demo = startDemo(join(source, "other.sqlite"));
    expect(await demo.ended()).toBe(0);
    const lines = demo.output().split("\n");
    const kept = lines.filter((line) => /^(left out|result|warning)/.test(line));
    expect(kept.map((line) => line.replace(/ \([\d.]+ s in total\)/, ""))).toEqual([
      'warning    FTS5 table "words" keeps no content: it is restored empty',
      'warning    table "checked" has rows that violate CHECK (a > 0): they load only if CHECK is ignored',
      "left out   user_version: 7 (set it after a restore: PRAGMA user_version = 7)",
      "left out   application_id: 1196444487 (set it after a restore: PRAGMA application_id = 1196444487)",
      "left out   file settings: journal_mode wal (restored: delete)",
      "left out   words: the index entries of 1 row (a contentless table stores no text from which to rebuild them)",
      "result     every row and definition in the dump is the same; 4 things are left out, as listed above",
    ]);
    expect(readdirSync(source)).toEqual(["other.sqlite"]);
  });

  test("names the table whose rows break its own rule, without the Worker's log", async () => {
    const path = join(folder, "broken.sqlite");
    const db = new DatabaseSync(path, { defensive: false });
    db.exec(`
      CREATE TABLE t (a); INSERT INTO t VALUES (NULL); PRAGMA writable_schema = ON;
      UPDATE sqlite_schema SET sql = 'CREATE TABLE t (a NOT NULL)'
    `);
    db.close();
    const demo = startDemo(path);
    expect(await demo.ended()).toBe(2);
    expect(demo.output()).toContain(
      'a Durable Object refuses table "t": NOT NULL constraint failed',
    );
    expect(demo.output()).not.toContain("wrangler");
  });

  test("stops what it started when it is interrupted", async () => {
    const demo = startDemo(join(folder, "tiny.sqlite"));
    const [, url] = await demo.printed(/worker +(\S+),/);
    demo.child.kill("SIGINT");
    expect(await demo.ended()).toBe(130);
    await expect(fetch(`${url}/health`)).rejects.toThrow();
    expect(readdirSync(join(folder, "tmp"))).toEqual([]);
  });

  test("says why a file cannot be used, and exits with 2", async () => {
    const demo = startDemo(join(folder, "missing.sqlite"));
    expect(await demo.ended()).toBe(2);
    expect(demo.output()).toContain("missing.sqlite does not exist");
  });
});

describe("npm run demo -- --fleet 12", () => {
  test("backs up twelve databases, and restores and compares one of them", async () => {
    const demo = startDemo("--fleet", "12", "--rows", "3");
    expect(await demo.ended()).toBe(0);
    const lines = demo.output().split("\n");
    expect(lines).toContainEqual(expect.stringMatching(/^packs +12 objects in 1 pack: 60 rows, /));
    expect(lines).toContain("compare    5 rows, 16 values: 0 differences");
    expect(lines).toContainEqual(
      expect.stringMatching(/^result +the restored tenant is the same \(/),
    );
    const printed = lines.filter((line) => !line.startsWith("dump "));
    expect(printed.filter((line) => line.length > 80)).toEqual([]);
    expect(readdirSync(join(folder, "tmp"))).toEqual([]);
  });

  test.each([
    ["--fleet", "0"],
    ["--fleet", "some"],
    ["--rows", "3"],
  ])("refuses %s %s", async (...options) => {
    expect(await startDemo(...options).ended()).toBe(2);
  });
});
