import { existsSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";

import { TokenReader } from "../src/sqlite/token-reader.ts";
import { buildDatabaseFile } from "./build-database-file.ts";
import { usageError } from "./cli-error.ts";
import { formatNumberOf } from "./format.ts";
import { findBrokenRules, requireSound } from "./restore-dump.ts";
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
  const { statements, found } = await buildDatabaseFile(script, path, {
    terminal,
    signal,
    option: "--to",
    onStatement: isRun,
    check: (db) => check(db, script.shown, terminal),
    // Another program may have created the file in the meantime.
    beforeRename: () => requireNewFile(path),
  });
  return { path, statements, ...found };
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
