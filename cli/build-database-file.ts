import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { open, rename } from "node:fs/promises";
import { dirname } from "node:path";
import type { DatabaseSync } from "node:sqlite";

import { CliError, throwIfInterrupted } from "./cli-error.ts";
import { showBytes } from "./download-file.ts";
import { EXIT } from "./exit-codes.ts";
import { importSqlite } from "./import-sqlite.ts";
import { makeFolder } from "./output-place.ts";
import { diskError, syncFolder } from "./partial-file.ts";
import { readScriptFile, type ScriptFile } from "./read-script-file.ts";
import { readStatements } from "./read-statements.ts";
import { runScript } from "./run-script.ts";
import type { Terminal } from "./terminal.ts";

export interface DatabaseFileOptions<T> {
  terminal: Terminal;
  signal: AbortSignal;
  /** The option that needs `node:sqlite`, for messages. */
  option: string;
  /** Receives each statement before it runs, and returns false to skip it. */
  onStatement: (sql: string) => boolean;
  /** Throws if the file is not what the script promises. */
  check: (db: DatabaseSync) => T;
  /** Throws if the file must not get its name, and runs just before it does. */
  beforeRename: () => void;
}

/** SQLite's result code for a full disk: https://sqlite.org/rescode.html#full */
const SQLITE_FULL = 13;

/** Files that SQLite keeps next to a database. */
const SUFFIXES = ["", "-journal", "-wal", "-shm"];

/**
 * Loads a script into a new SQLite file, and checks it. Only then does the file get the name `path`, in place of any
 * existing file; until then it has another name in the same folder, and is removed after any failure. Returns the
 * number of statements and what `check` returned. Errors: `restore-failed`, which names statement, line and SQL, if
 * SQLite refuses a statement; `file` and `disk-full` for disk errors; `Interrupted`; those of the callbacks. Throws a
 * usage error if this Node lacks `node:sqlite` or Zstandard.
 */
export async function buildDatabaseFile<T>(
  script: ScriptFile & { bytes: number },
  path: string,
  options: DatabaseFileOptions<T>,
): Promise<{ statements: number; found: T }> {
  const { terminal, signal } = options;
  const { DatabaseSync: Database } = await importSqlite(options.option);
  await makeFolder(dirname(path));
  const temporary = `${path}.${randomBytes(4).toString("hex")}.part`;
  const settings = {
    enableForeignKeyConstraints: false,
    enableDoubleQuotedStringLiterals: true,
    // Scripts made by sqlite3 write the internal tables of virtual tables.
    defensive: false,
  };
  const remove = (): void => {
    for (const suffix of SUFFIXES) rmSync(temporary + suffix, { force: true });
  };
  // A second Ctrl-C ends the process at once.
  process.once("exit", remove);
  try {
    const statements = await usingDatabase(
      () => new Database(temporary, settings),
      temporary,
      (db) => load(db, { script, path }, options),
    );
    const found = await usingDatabase(
      // The database is opened again, because only then does SQLite read a schema that was written directly.
      () => new Database(temporary, settings),
      temporary,
      options.check,
    );
    throwIfInterrupted(signal);
    options.beforeRename();
    await publish(temporary, path);
    return { statements, found };
  } finally {
    terminal.clearProgress();
    process.removeListener("exit", remove);
    remove();
  }
}

/** Waits for the disk, because SQLite did not, and gives the file its name. */
async function publish(temporary: string, path: string): Promise<void> {
  try {
    const handle = await open(temporary, "r+");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (error) {
    throw diskError(error, path, false);
  }
}

async function usingDatabase<T>(
  openDatabase: () => DatabaseSync,
  path: string,
  use: (db: DatabaseSync) => T | Promise<T>,
): Promise<T> {
  let db: DatabaseSync;
  try {
    db = openDatabase();
  } catch (error) {
    throw diskError(error, path, false);
  }
  try {
    return await use(db);
  } finally {
    db.close();
  }
}

async function load<T>(
  db: DatabaseSync,
  { script, path }: { script: ScriptFile & { bytes: number }; path: string },
  { terminal, signal, onStatement }: DatabaseFileOptions<T>,
): Promise<number> {
  // Until it is complete, the file has another name, so it needs no rollback.
  db.exec("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF");
  // The source may contain rows that violate rules added after them, and so may the dump.
  db.exec("PRAGMA ignore_check_constraints = ON; BEGIN");
  const show = showBytes(terminal.startProgress("restoring"), script.bytes);
  let bytes = 0;
  const onChunk = (chunk: Uint8Array) => {
    bytes += chunk.length;
    show(bytes);
  };
  try {
    const read = readStatements(readScriptFile(script, { signal, onChunk }));
    const statements = await runScript(db, read, { onStatement, signal });
    if (statements === 0) throw new Error("it contains no statement");
    db.exec("COMMIT");
    return statements;
  } catch (error) {
    throwIfInterrupted(signal);
    if (error instanceof CliError) throw error;
    if (isDiskFull(error)) throw diskError({ code: "ENOSPC" }, path, false);
    const message = error instanceof Error ? error.message : String(error);
    throw new CliError("restore-failed", `${script.shown} cannot be restored: ${message}`, {
      exitCode: EXIT.failed,
      cause: error,
    });
  }
}

/** `runScript` adds the statement's place to SQLite's error, which becomes the cause. */
function isDiskFull(error: unknown): boolean {
  const { errcode, cause } = error as { errcode?: number; cause?: { errcode?: number } };
  return (errcode ?? cause?.errcode) === SQLITE_FULL;
}
