import { createReadStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";

import { CliError, throwIfInterrupted } from "./cli-error.ts";
import { EXIT } from "./exit-codes.ts";
import { importSqlite } from "./import-sqlite.ts";
import { formatMoreDiffer, formatNumberOf } from "./format.ts";
import { diskError } from "./partial-file.ts";
import { compareIndexes, type IndexDifference } from "./restored-indexes.ts";
import { type NamedIndexTotals, parseIndexComments } from "../src/sqlite/index-totals.ts";
import { splitScript } from "../src/sqlite/statement-splitter.ts";
import { detectCompression, inflate } from "../src/loading/inflate.ts";
import { readScriptHead, requireInflatable } from "./read-script-file.ts";
import { runScript } from "./run-script.ts";

const READ_BYTES = 1024 * 1024;

/** A table after a restore. */
export interface RestoredTable {
  name: string;
  /** The number in the manifest. */
  expectedRows: number;
  /** Null if the table is missing. */
  rows: number | null;
}

/** A dump's content after a restore. */
export interface RestoredDump {
  tables: RestoredTable[];
  indexes: IndexDifference[];
  foreignKeyViolations: number;
  /** Sentences about other rules that rows violate. */
  brokenRules: string[];
}

/**
 * Loads an SQL dump, compressed or not, into a scratch database. Counts the rows of every table in the manifest,
 * compares the FTS5 indexes with the dump's first comments, and has SQLite check the whole database. The scratch
 * file is in the system's temporary folder and is removed at the end. Errors: `restore-failed` if a statement fails
 * or the database is damaged. Throws a usage error if this Node lacks `node:sqlite` or Zstandard.
 */
export async function restoreDump(
  path: string,
  promised: readonly { name: string; rows: number }[],
  { signal, onBytes }: { signal: AbortSignal; onBytes: (bytes: number) => void },
): Promise<RestoredDump> {
  const { DatabaseSync } = await importSqlite("--restore");
  const folder = await mkdtemp(join(tmpdir(), "durable-export-")).catch((error: unknown) => {
    throw diskError(error, tmpdir());
  });
  const db = new DatabaseSync(join(folder, "scratch.db"), {
    enableForeignKeyConstraints: false,
    enableDoubleQuotedStringLiterals: true,
  });
  try {
    // The file will be deleted, so durability and rollback have no benefit.
    db.exec("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF");
    // The source may contain rows that violate rules added after them, and so may the dump.
    db.exec("PRAGMA ignore_check_constraints = ON; BEGIN");
    const promisedIndexes = await load(db, path, { signal, onBytes });
    db.exec("COMMIT");
    return examineRestored(db, { shown: path, tables: promised, indexes: promisedIndexes });
  } finally {
    db.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Counts the rows of every table in the manifest, compares the FTS5 indexes with the dump's first comments, and has
 * SQLite check the whole database. Errors: `restore-failed` if the database is damaged.
 */
export function examineRestored(
  db: DatabaseSync,
  promised: {
    /** The dump's name in messages. */
    shown: string;
    tables: readonly { name: string; rows: number }[];
    indexes: readonly NamedIndexTotals[];
  },
): RestoredDump {
  const tables = promised.tables.map(({ name, rows }) => ({
    name,
    expectedRows: rows,
    rows: countRows(db, name),
  }));
  requireSound(db, promised.shown);
  const indexes = compareIndexes(db, promised.indexes);
  return { tables, indexes, ...findBrokenRules(db) };
}

/** Throws `restore-mismatch` if a table is missing or its row count differs from the manifest's. */
export function requireRowCounts(tables: RestoredTable[]): void {
  const wrong = tables.filter((table) => table.rows !== table.expectedRows);
  const [first] = wrong;
  if (first === undefined) return;
  const found = first.rows === null ? "is missing" : `has ${formatNumberOf(first.rows, "row")}`;
  const more = formatMoreDiffer(wrong.length - 1, "table");
  throw new CliError(
    "restore-mismatch",
    `table ${JSON.stringify(first.name)} ${found} after the restore, but the manifest lists ${first.expectedRows}${more}`,
    { exitCode: EXIT.failed },
  );
}

async function load(
  db: DatabaseSync,
  path: string,
  { signal, onBytes }: { signal: AbortSignal; onBytes: (bytes: number) => void },
): Promise<NamedIndexTotals[]> {
  let promised: NamedIndexTotals[] | undefined;
  const compression = detectCompression(await readScriptHead(path, path));
  requireInflatable(path, compression);
  let bytes = 0;
  const file = createReadStream(path, { highWaterMark: READ_BYTES });
  file.on("data", (chunk) => {
    bytes += chunk.length;
    onBytes(bytes);
  });
  try {
    await runScript(db, splitScript(inflate(file, compression)), {
      onStatement: (sql) => {
        promised ??= parseIndexComments(sql);
        return true;
      },
      signal,
    });
  } catch (error) {
    throwIfInterrupted(signal);
    if (error instanceof CliError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new CliError("restore-failed", `${path} cannot be restored: ${message}`, {
      exitCode: EXIT.failed,
      cause: error,
    });
  } finally {
    file.destroy();
  }
  return promised ?? [];
}

function countRows(db: DatabaseSync, table: string): number | null {
  const quoted = `"${table.replaceAll('"', '""')}"`;
  const known = db
    .prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ? COLLATE NOCASE")
    .get(table);
  if (known === undefined) return null;
  return Number(db.prepare(`SELECT count(*) AS n FROM ${quoted}`).get()?.["n"]);
}

/** Throws `restore-failed` if SQLite's integrity check finds anything. Violated CHECKs are no damage. */
export function requireSound(db: DatabaseSync, path: string): void {
  db.exec("PRAGMA ignore_check_constraints = ON");
  const verdict = db.prepare("PRAGMA integrity_check(1)").get()?.["integrity_check"];
  if (verdict === "ok") return;
  throw new CliError(
    "restore-failed",
    `${path} fails SQLite's integrity check after the restore: ${String(verdict)}`,
    {
      exitCode: EXIT.failed,
    },
  );
}

/**
 * Returns the number of rows that refer to missing rows, and sentences about other rules that the loaded rows
 * violate.
 */
export function findBrokenRules(db: DatabaseSync): {
  foreignKeyViolations: number;
  brokenRules: string[];
} {
  db.exec("PRAGMA ignore_check_constraints = OFF");
  const broken: string[] = [];
  let foreignKeyViolations = 0;
  const countViolations = db.prepare("SELECT count(*) AS n FROM pragma_foreign_key_check(?)");
  for (const { name, sql } of readTables(db)) {
    if (/\bCHECK\b/i.test(sql) && breaksCheck(db, name)) {
      broken.push(`rows of ${JSON.stringify(name)} violate a CHECK`);
    }
    try {
      foreignKeyViolations += Number(countViolations.get(name)?.["n"]);
    } catch (error) {
      const message = error instanceof Error ? error.message : "";
      if (!message.startsWith("foreign key mismatch")) throw error;
      broken.push(`foreign keys of ${JSON.stringify(name)} reference columns that are not a key`);
    }
  }
  return { foreignKeyViolations, brokenRules: broken };
}

function readTables(db: DatabaseSync): { name: string; sql: string }[] {
  return db
    .prepare("SELECT name, sql FROM sqlite_master WHERE type = 'table'")
    .all()
    .map(({ name, sql }) => ({ name: String(name), sql: String(sql) }));
}

/** The check reads the whole table. */
function breaksCheck(db: DatabaseSync, table: string): boolean {
  const quoted = `"${table.replaceAll('"', '""')}"`;
  return db
    .prepare(`PRAGMA quick_check(${quoted})`)
    .all()
    .some((row) =>
      Object.values(row).some((found) => String(found).startsWith("CHECK constraint failed")),
    );
}
