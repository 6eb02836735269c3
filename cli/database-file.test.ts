import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { openDatabaseFile } from "./database-file.ts";
import { UnusableFile } from "./unusable-file.ts";

/** The database is in a folder of its own, and so are copies. */
let folder: string;
let temporary: string;
let path: string;
beforeEach(() => {
  const root = mkdtempSync(join(tmpdir(), "durable-export-file-"));
  folder = join(root, "source");
  temporary = join(root, "tmp");
  path = join(folder, "notes.db");
  mkdirSync(folder);
  mkdirSync(temporary);
  vi.stubEnv("TMPDIR", temporary);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(join(folder, ".."), { recursive: true });
});

/** JavaScript that runs `sql` in the database. */
function scriptOf(sql: string): string {
  return `const db = new (require("node:sqlite").DatabaseSync)(${JSON.stringify(path)}); db.exec(${JSON.stringify(sql)});`;
}

/** Runs `sql` in another process, which is then killed as it is. */
function runAndKill(sql: string): void {
  const script = `${scriptOf(sql)} process.kill(process.pid, "SIGKILL");`;
  expect(spawnSync(process.execPath, ["-e", script]).signal).toBe("SIGKILL");
}

/** Runs `sql` in another process, then `more`, and resolves when `more` begins. The caller kills it. */
async function runBeside(sql: string, more: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, ["-e", `${scriptOf(sql)} console.log("ready"); ${more}`]);
  await once(child.stdout, "data");
  return child;
}

/** Names and contents of everything in the folder. SQLite's index of a WAL is left out. */
function folderState(): [string, string][] {
  return readdirSync(folder)
    .filter((name) => !name.endsWith("-shm"))
    .map((name) => [
      name,
      createHash("sha256")
        .update(readFileSync(join(folder, name)))
        .digest("hex"),
    ]);
}

/** Opens the file, reads its notes, closes it, and expects the folders to be as before. */
async function readNotes(file = path): Promise<{ copied: string | undefined; notes: unknown[] }> {
  const before = folderState();
  const names = readdirSync(folder);
  const { db, copied, close } = await openDatabaseFile(file);
  db.exec("BEGIN");
  const notes = db
    .prepare("SELECT DISTINCT text FROM notes ORDER BY rowid")
    .all()
    .map((row) => row["text"]);
  expect(readdirSync(folder)).toEqual(names);
  close();
  close();
  expect(readdirSync(folder)).toEqual(names);
  expect(folderState()).toEqual(before);
  expect(readdirSync(temporary)).toEqual([]);
  return { copied, notes };
}

const NOTES = "CREATE TABLE notes (text); INSERT INTO notes VALUES ('old');";
/** Enough rows for SQLite to write pages, and thus its journal, before the transaction ends. */
const MANY_NOTES = `${NOTES} WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
  INSERT INTO notes SELECT 'old' FROM n;`;
const UNFINISHED = "PRAGMA cache_size = 5; BEGIN; UPDATE notes SET text = 'something new';";

describe("openDatabaseFile", () => {
  test("opens a file without journals in its place", async () => {
    runAndKill(NOTES);
    expect(await readNotes()).toEqual({ copied: undefined, notes: ["old"] });
  });

  test("leaves nothing beside a file in WAL mode", async () => {
    const db = new DatabaseSync(path);
    db.exec(`PRAGMA journal_mode = WAL; ${NOTES}`);
    db.close();
    const { copied, notes } = await readNotes();
    expect(notes).toEqual(["old"]);
    expect(copied).toBe(
      "the file is in WAL mode, and SQLite would write next to it: a copy is read",
    );
  });

  test("reads what only the WAL contains", async () => {
    runAndKill(`PRAGMA journal_mode = WAL; ${NOTES} PRAGMA wal_checkpoint(TRUNCATE);
      INSERT INTO notes VALUES ('in the WAL')`);
    const { copied, notes } = await readNotes();
    expect(notes).toEqual(["old", "in the WAL"]);
    expect(copied).toMatch(
      /^notes.db-wal contains 4.15 kB of changes: a copy that includes them is read$/,
    );
  });

  test("reads a WAL without its index", async () => {
    runAndKill(`PRAGMA journal_mode = WAL; ${NOTES}`);
    rmSync(`${path}-shm`);
    expect((await readNotes()).notes).toEqual(["old"]);
  });

  test("undoes a transaction that its program did not finish, in a copy", async () => {
    runAndKill(MANY_NOTES + UNFINISHED);
    const { copied, notes } = await readNotes();
    expect(notes).toEqual(["old"]);
    expect(copied).toBe(
      "notes.db-journal contains an unfinished transaction: a copy is read without it",
    );
  });

  test("reads what was committed while a program is within a transaction", async () => {
    const writer = await runBeside(MANY_NOTES + UNFINISHED, "setInterval(() => {}, 1000)");
    expect((await readNotes()).notes).toEqual(["old"]);
    writer.kill("SIGKILL");
    await once(writer, "exit");
  });

  test("finds the journals of a file behind a symbolic link", async () => {
    runAndKill(MANY_NOTES + UNFINISHED);
    symlinkSync(path, join(temporary, "..", "link.db"));
    expect((await readNotes(join(temporary, "..", "link.db"))).notes).toEqual(["old"]);
  });

  test("does not copy for a journal that is done with", async () => {
    runAndKill(`PRAGMA journal_mode = PERSIST; ${NOTES}`);
    expect(readdirSync(folder)).toEqual(["notes.db", "notes.db-journal"]);
    expect(await readNotes()).toEqual({ copied: undefined, notes: ["old"] });
  });

  test("refuses a file that changes while it is copied", async () => {
    const sql = `PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; ${NOTES}
      INSERT INTO notes VALUES (zeroblob(50000000))`;
    const write = `for (;;) db.exec("INSERT INTO notes VALUES ('new')")`;
    const writer = await runBeside(sql, write);
    await expect(openDatabaseFile(path)).rejects.toThrow(
      `${path} changes while it is copied: stop the program that writes it`,
    );
    writer.kill("SIGKILL");
    await once(writer, "exit");
    expect(readdirSync(temporary)).toEqual([]);
  });

  test("says what is wrong with a path that leads nowhere", async () => {
    symlinkSync(path, path);
    const error: unknown = await openDatabaseFile(path).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(UnusableFile);
    expect((error as Error).message).toMatch(/notes.db cannot be read: ELOOP/);
  });
});
