import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openPlatformDatabase } from "./node-sqlite-source.ts";
import { splitStatements } from "./sql-statements.ts";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The statements of a dump. Throws if it is not valid UTF-8. */
export function statementsOf(dump: Uint8Array): string[] {
  return splitStatements(decoder.decode(dump));
}

/**
 * A new database from a dump, loaded one statement after the other in one transaction under the
 * platform's limits (100,000 bytes of SQL in particular), with foreign keys and CHECK enforced
 * unless the rows violate them. Throws if a statement fails, and quotes its beginning.
 */
export function restoreStatements(
  dump: Uint8Array,
  path?: string,
  { breaksRules = false } = {},
): DatabaseSync {
  const db = openPlatformDatabase(path);
  if (breaksRules) db.exec("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON");
  db.exec("BEGIN");
  for (const statement of statementsOf(dump)) {
    try {
      db.exec(statement);
    } catch (cause) {
      const start = statement.trim().slice(0, 300);
      throw new Error(`${cause instanceof Error ? cause.message : String(cause)}: ${start}`, {
        cause,
      });
    }
  }
  db.exec("COMMIT; PRAGMA ignore_check_constraints = OFF");
  return db;
}

/** A new database from a dump, as one script in Node's own SQLite. */
export function restoreScript(dump: Uint8Array): DatabaseSync {
  const db = new DatabaseSync(":memory:", { enableDoubleQuotedStringLiterals: true });
  db.exec(`BEGIN;\n${decoder.decode(dump)}\nCOMMIT;`);
  return db;
}

/** True if the `sqlite3` shell is installed. */
export function hasShell(): boolean {
  return spawnSync("sqlite3", ["-version"]).status === 0;
}

/**
 * A new database from a dump, by the `sqlite3` shell (`.read`), as docs/restore.md loads a dump
 * that has strings in double quotes. Throws the shell's output.
 */
export function restoreByShell(dump: Uint8Array): DatabaseSync {
  const folder = mkdtempSync(join(tmpdir(), "restore-"));
  try {
    const path = join(folder, "restored.db");
    const start = "PRAGMA ignore_check_constraints = ON;\nBEGIN;\n";
    const script = Buffer.concat([Buffer.from(start), dump, Buffer.from("COMMIT;\n")]);
    const options = ["-bail", "-cmd", ".dbconfig dqs_ddl on", path];
    const output = execFileSync("sqlite3", options, { input: script, encoding: "utf8" });
    if (!/^ *dqs_ddl on\n$/.test(output))
      throw new Error(`the shell printed ${output.slice(0, 300)}`);
    const file = new DatabaseSync(path);
    const db = new DatabaseSync(":memory:", { enableDoubleQuotedStringLiterals: true });
    db.deserialize(file.serialize());
    file.close();
    return db;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
