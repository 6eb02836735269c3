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
    expect(code).toBe(0);
    expect(readdirSync(join(folder, "tmp"))).toEqual([]);
    expect(existsSync(join(folder, "out", "tiny.dump.sql"))).toBe(true);
    const restored = new DatabaseSync(join(folder, "out", "tiny.restored.sqlite"));
    const found = restored.prepare("SELECT rowid FROM search WHERE search MATCH 'two'").all();
    restored.close();
    expect(found).toHaveLength(1);
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
