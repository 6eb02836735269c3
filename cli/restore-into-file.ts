import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import type { DatabaseSync } from "node:sqlite";

import { TokenReader } from "../src/sqlite/token-reader.ts";
import { CliError, throwIfInterrupted, usageError } from "./cli-error.ts";
import { showBytes } from "./download-file.ts";
import { EXIT } from "./exit-codes.ts";
import { formatNumberOf } from "./format.ts";
import { importSqlite } from "./import-sqlite.ts";
import { makeFolder } from "./output-place.ts";
import { diskError } from "./partial-file.ts";
import { readScriptFile } from "./read-script-file.ts";
import { readStatements } from "./read-statements.ts";
import { findBrokenRules, requireSound } from "./restore-dump.ts";
import { runScript } from "./run-script.ts";
import type { ScriptInput } from "./script-input.ts";
import type { Terminal } from "./terminal.ts";

/** What a local restore created. */
export interface LocalRestore {
  path: string;
  statements: number;
  tables: number;
  rows: number;
}

/** The whole script is one transaction, so it cannot begin or end others, and cannot run VACUUM. */
const SKIPPED = new Set(["BEGIN", "COMMIT", "END", "SAVEPOINT", "RELEASE", "VACUUM"]);

/** Files that SQLite keeps next to a database. */
const SUFFIXES = ["", "-journal", "-wal", "-shm"];

/** Throws a usage error if `path` exists, because a restore replaces no file. */
export function requireNewFile(path: string): void {
  if (!existsSync(path)) return;
  throw usageError(
    `${path} already exists`,
    "Name a new file with --to, or move the old one away.",
  );
}

/**
 * Restores a script into the new SQLite file `path`, which appears complete or not at all. Errors:
 * `restore-failed`, which names statement, line and SQL, if SQLite refuses a statement or finds the result damaged;
 * `file` and `disk-full` for disk errors; `Interrupted`. Throws a usage error if the file exists.
 */
export async function restoreIntoFile(
  script: ScriptInput,
  path: string,
  { terminal, signal }: { terminal: Terminal; signal: AbortSignal },
): Promise<LocalRestore> {
  requireNewFile(path);
  const { DatabaseSync: Database } = await importSqlite("--to");
  await makeFolder(dirname(path));
  const temporary = `${path}.${randomBytes(4).toString("hex")}.part`;
  const options = {
    enableForeignKeyConstraints: false,
    enableDoubleQuotedStringLiterals: true,
    // Scripts made by sqlite3 write the internal tables of virtual tables.
    defensive: false,
  };
  const show = showBytes(terminal.startProgress("restoring"), script.bytes);
  try {
    const statements = await usingDatabase(
      () => new Database(temporary, options),
      temporary,
      (db) => load(db, script, { signal, show }),
    );
    const found = await usingDatabase(
      // The database is opened again, because only then does SQLite read a schema that was written directly.
      () => new Database(temporary, options),
      temporary,
      (db) => check(db, script.shown, terminal),
    );
    // Another program may have created the file in the meantime.
    requireNewFile(path);
    await rename(temporary, path).catch((error: unknown) => {
      throw diskError(error, path, false);
    });
    return { path, statements, ...found };
  } finally {
    terminal.clearProgress();
    for (const suffix of SUFFIXES) await rm(temporary + suffix, { force: true });
  }
}

async function usingDatabase<T>(
  open: () => DatabaseSync,
  path: string,
  use: (db: DatabaseSync) => T | Promise<T>,
): Promise<T> {
  let db: DatabaseSync;
  try {
    db = open();
  } catch (error) {
    throw diskError(error, path, false);
  }
  try {
    return await use(db);
  } finally {
    db.close();
  }
}

async function load(
  db: DatabaseSync,
  script: ScriptInput,
  { signal, show }: { signal: AbortSignal; show: (bytes: number) => void },
): Promise<number> {
  // Until it is complete, the file has another name, so it needs no rollback.
  db.exec("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF");
  // The source may contain rows that violate rules added after them, and so may the dump.
  db.exec("PRAGMA ignore_check_constraints = ON; BEGIN");
  let bytes = 0;
  const onChunk = (chunk: Uint8Array) => {
    bytes += chunk.length;
    show(bytes);
  };
  try {
    const read = readStatements(readScriptFile(script, { signal, onChunk }));
    const statements = await runScript(db, read, { onStatement: isRun, signal });
    if (statements === 0) throw new Error("it contains no statement");
    db.exec("COMMIT");
    return statements;
  } catch (error) {
    throwIfInterrupted(signal);
    if (error instanceof CliError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new CliError("restore-failed", `${script.shown} cannot be restored: ${message}`, {
      exitCode: EXIT.failed,
      cause: error,
    });
  }
}

/** Throws for ROLLBACK, which would discard everything before it. */
function isRun(sql: string): boolean {
  const tokens = new TokenReader(Buffer.from(sql.slice(0, 1_000)));
  const word = tokens.word(tokens.next());
  if (word === "ROLLBACK") {
    throw new Error("ROLLBACK undoes the script: the tool that wrote it met an error");
  }
  return !SKIPPED.has(word);
}

function check(
  db: DatabaseSync,
  shown: string,
  terminal: Terminal,
): Pick<LocalRestore, "tables" | "rows"> {
  requireSound(db, shown);
  const { foreignKeyViolations, brokenRules } = findBrokenRules(db);
  if (foreignKeyViolations > 0) {
    const rows = formatNumberOf(foreignKeyViolations, "row");
    const refer = foreignKeyViolations === 1 ? "refers" : "refer";
    terminal.warn(`${rows} ${refer} to rows that are not in the script`);
  }
  for (const rule of brokenRules) terminal.warn(rule);
  const names = db
    .prepare(
      "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'virtual') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
    )
    .all();
  let rows = 0;
  for (const { name } of names) {
    const quoted = `"${String(name).replaceAll('"', '""')}"`;
    rows += Number(db.prepare(`SELECT count(*) AS n FROM ${quoted}`).get()?.["n"]);
  }
  return { tables: names.length, rows };
}
