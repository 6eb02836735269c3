import { existsSync, rmSync, statSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";

import { FORMAT_DEFAULT } from "../src/api/formats.ts";
import { detectCompression } from "../src/loading/inflate.ts";
import { type NamedIndexTotals, parseIndexComments } from "../src/sqlite/index-totals.ts";
import type { Manifest } from "./answers.ts";
import type { RequestBody } from "./api-client.ts";
import { buildDatabaseFile } from "./build-database-file.ts";
import { CliError, usageError } from "./cli-error.ts";
import { EXIT } from "./exit-codes.ts";
import { importSqlite } from "./import-sqlite.ts";
import { isSqliteName } from "./output-place.ts";
import { findFileKind } from "./partial-file.ts";
import { readScriptHead, requireInflatable } from "./read-script-file.ts";
import { examineRestored } from "./restore-dump.ts";
import type { Terminal } from "./terminal.ts";
import { acceptRestored, isRestorable } from "./verify-restore.ts";

/** What an SQLite file needs in addition to the content of its dump. */
export interface SqliteExtras {
  /** Receives each statement of the dump before it runs. */
  onStatement: (sql: string) => void;
  /** Runs after the file is checked, and before it gets its name. */
  complete: (db: DatabaseSync) => void;
  /** Returns the error of a file that another program uses. */
  inUse: () => CliError;
}

/** Returns where the dump of an SQLite file is kept until the file is complete. */
export function dumpPathOf(path: string): string {
  return `${path}.dump`;
}

/**
 * Checks before an export starts that its dump can become the SQLite file `output`. Any other output passes. Throws a
 * usage error for another format, a dump without the schema, a sealed one, or a Node that cannot do it; `file` if another program
 * uses the existing file.
 */
export async function requireSqliteOutput(
  output: string,
  request: RequestBody,
  extras?: SqliteExtras,
): Promise<void> {
  const kind = await findFileKind(output);
  if (!isSqliteName(output) || kind === "folder" || kind === "device") return;
  requireScript(output, {
    format: String(request["format"] ?? FORMAT_DEFAULT),
    content: String(request["content"] ?? "all"),
  });
  if (request["encrypt"] === "all") throw sealed(output);
  await importSqlite(`-o ${output}`);
  if (request["compression"] === "zstd") requireInflatable("the dump", "zstd");
  requireUnused(output, extras);
}

function sealed(output: string): CliError {
  return usageError(
    `${output}: an SQLite file needs a dump that is not sealed by age`,
    "Download it under another name, and then run `restore FILE --to NEW --identity KEY`.",
  );
}

/** Throws a usage error if an export with these traits cannot become an SQLite file. */
function requireScript(
  output: string,
  { format, content }: Pick<Manifest, "format" | "content">,
): void {
  const hint = "Pass another name with -o.";
  if (!isRestorable(format)) {
    throw usageError(`${output}: an SQLite file needs an SQL dump, but this is ${format}`, hint);
  }
  if (content !== "data") return;
  throw usageError(
    `${output}: an SQLite file needs the schema, but this dump contains only data`,
    hint,
  );
}

/**
 * Makes the SQLite file `path` from the dump at `dumpPathOf(path)`, and removes the dump. The file appears complete
 * and checked, in place of any existing file, or not at all. `tables` may be empty if nothing lists the rows of the
 * dump's tables. Returns its size in bytes. Errors: those of
 * `buildDatabaseFile`, `examineRestored` and `acceptRestored`; `file` if another program uses the existing file. After
 * `restore-failed` and `restore-mismatch` the dump is removed too, because another attempt would not help.
 */
export async function makeSqliteFile(
  path: string,
  { tables, consistency }: Pick<Manifest, "tables" | "consistency">,
  {
    terminal,
    signal,
    extras,
  }: { terminal: Terminal; signal: AbortSignal; extras?: SqliteExtras | undefined },
): Promise<number> {
  const dump = dumpPathOf(path);
  const compression = detectCompression(await readScriptHead(dump, dump));
  const bytes = statSync(dump).size;
  let indexes: NamedIndexTotals[] | undefined;
  try {
    await buildDatabaseFile({ shown: "the dump", path: dump, compression, bytes }, path, {
      terminal,
      signal,
      option: `-o ${path}`,
      onStatement: (sql) => {
        indexes ??= parseIndexComments(sql);
        extras?.onStatement(sql);
        return true;
      },
      check: (db) => {
        const promised = { shown: "the dump", tables, indexes: indexes ?? [] };
        const restored = examineRestored(db, promised);
        terminal.clearProgress();
        acceptRestored(restored, { terminal, consistency });
        extras?.complete(db);
      },
      beforeRename: () => requireUnused(path, extras),
    });
  } catch (error) {
    const isFinal =
      error instanceof CliError && (error.is("restore-failed") || error.is("restore-mismatch"));
    if (isFinal) rmSync(dump, { force: true });
    throw error;
  }
  rmSync(dump, { force: true });
  return statSync(path).size;
}

/** SQLite would apply the old file's WAL or journal to the new file, and damage it. */
function requireUnused(path: string, extras: SqliteExtras | undefined): void {
  const left = [`${path}-wal`, `${path}-journal`].find((each) => existsSync(each));
  if (left === undefined) return;
  if (extras !== undefined) throw extras.inUse();
  throw new CliError(
    "file",
    `${path} is open in another program, or one ended without closing it: ${left} exists`,
    {
      exitCode: EXIT.failed,
      hint: `Close that program, and run the same command again. If none has it open, remove ${left} first.`,
    },
  );
}
