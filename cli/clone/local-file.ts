import { existsSync, rmSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";

import { withoutOwnObjects } from "../../src/sqlite/own-objects.ts";
import { KEY_VALUES_TABLE } from "../../src/sqlite/key-values.ts";
import { CliError, usageError } from "../cli-error.ts";
import { isLocalHost } from "../config.ts";
import { EXIT } from "../exit-codes.ts";
import { importSqlite } from "../import-sqlite.ts";
import { partialPathOf } from "../partial-file.ts";
import { resumePathOf } from "../resume-record.ts";
import { dumpPathOf } from "../sqlite-output.ts";

/** SQLite's result code for a lock of another program: https://sqlite.org/rescode.html#busy */
const SQLITE_BUSY = 5;

/** The bits of a result code without its details, such as a lock during recovery. */
const PRIMARY_CODE = 0xff;

/** How long another program's short lock may last. */
const LOCK_TIMEOUT_MS = 500;

/** A local database, as messages describe it. */
interface ShownDatabase {
  shown: string;
  path: string;
  /** The Worker that the rows come from. */
  workerUrl: string;
}

/**
 * Checks that a database's file may be replaced, and moves its write-ahead log into it, so that the log cannot damage
 * the new file. A file that does not exist passes. Errors: a usage error if it contains tables and `mayReplace` is
 * false; `file` if another program, such as `wrangler dev`, has it open.
 */
export async function requireReplaceable(local: ShownDatabase, mayReplace: boolean): Promise<void> {
  const { path, shown } = local;
  if (!existsSync(path)) return;
  const { DatabaseSync: Database } = await importSqlite("clone");
  const db = new Database(path, { timeout: LOCK_TIMEOUT_MS });
  try {
    const [first] = listContent(db);
    if (first !== undefined && !mayReplace) {
      throw usageError(
        `the local ${shown} is not empty: it contains ${first}`,
        "Add --replace to delete what it contains.",
      );
    }
    // SQLite allows this only if no other connection is open.
    db.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = DELETE");
    db.exec("BEGIN EXCLUSIVE; COMMIT");
  } catch (error) {
    throw toFileError(error, local);
  } finally {
    db.close();
  }
}

/** Removes the dump, whole or partial, and the record that a later attempt would resume from. May be repeated. */
export function removeUnfinished(path: string): void {
  const dump = dumpPathOf(path);
  for (const each of [dump, partialPathOf(dump), resumePathOf(path)]) rmSync(each, { force: true });
}

/** Returns the error of a local database that another program has open. */
export function inUse({ shown, path, workerUrl }: ShownDatabase, cause?: unknown): CliError {
  const worker = new URL(workerUrl);
  return new CliError(
    "file",
    `the local ${shown} is open in another program, probably in a running \`wrangler dev\`: ${path}`,
    {
      exitCode: EXIT.failed,
      hint: isLocalHost(worker)
        ? `Stop that \`wrangler dev\`, and run the same command again. If it is the Worker at ${worker.host} itself, ` +
          "set DURABLE_EXPORT_URL to the deployed Worker instead."
        : "Stop it with Ctrl-C, and run the same command again. Close any other program that has the file open.",
      cause,
    },
  );
}

function toFileError(error: unknown, local: ShownDatabase): unknown {
  const { errcode, message } = error as { errcode?: number; message: string };
  if (errcode === undefined) return error;
  if ((errcode & PRIMARY_CODE) === SQLITE_BUSY) return inUse(local, error);
  return new CliError("file", `${local.path} cannot be read: ${message}`, {
    exitCode: EXIT.failed,
    hint: "Remove the file if its content does not matter.",
    cause: error,
  });
}

/** Returns what a person would miss: tables, views and key-value entries, without those of the runtime. */
function listContent(db: DatabaseSync): string[] {
  const schema = db.prepare("SELECT type, name, tbl_name, sql FROM sqlite_schema").all();
  const entries = schema.map((row) => ({
    type: String(row["type"]),
    name: String(row["name"]),
    tableName: String(row["tbl_name"]),
    sql: String(row["sql"] ?? ""),
  }));
  const objects = withoutOwnObjects(entries).map(({ type, name }) => `${type} ${name}`);
  const hasKeyValues =
    schema.some(({ name }) => name === KEY_VALUES_TABLE) &&
    db.prepare(`SELECT 1 FROM ${KEY_VALUES_TABLE} LIMIT 1`).get() !== undefined;
  return hasKeyValues ? [...objects, "key-value entries"] : objects;
}
