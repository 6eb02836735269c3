import { findFormat } from "../src/api/formats.ts";
import type { Context } from "./context.ts";
import { usageError } from "./cli-error.ts";
import { showBytes } from "./download-file.ts";
import { formatCount, formatNumberOf } from "./format.ts";
import { requireIndexedRows } from "./restored-indexes.ts";
import {
  requireRowCounts,
  restoreDump,
  type RestoredDump,
  type RestoredTable,
} from "./restore-dump.ts";
import type { Terminal } from "./terminal.ts";

/** A dump on disk, and the number of rows that its manifest promises. */
export interface RestorableDump {
  format: string;
  /** `all`, `schema` or `data`. */
  content: string;
  /** `live` if the dump does not show one instant. */
  consistency: string;
  files: readonly { path: string | null; bytes: number }[];
  tables: readonly { name: string; rows: number }[];
}

/** True if a restore can load files of a format; false for a format that only a newer version knows. */
export function isRestorable(format: string): boolean {
  return findFormat(format)?.isSqlScript === true;
}

/** Throws a usage error if nothing can be restored. */
export function requireRestorable({
  format,
  content,
  files,
}: Pick<RestorableDump, "format" | "content"> & { files: readonly unknown[] }): void {
  if (!isRestorable(format)) {
    throw usageError(`a restore loads only SQL dumps, but this is ${format}`);
  }
  if (content === "data")
    throw usageError("a restore needs the schema, but this dump contains only data");
  if (files.length !== 1)
    throw usageError(`a restore loads one dump, but there are ${files.length}`);
}

/**
 * Loads a dump into a scratch database and compares the rows of every table. Errors: those of
 * `requireRestorable`, `restoreDump`, `requireRowCounts` and `requireIndexedRows`.
 */
export async function verifyRestore(
  { terminal, host }: Pick<Context, "terminal" | "host">,
  dump: RestorableDump,
): Promise<RestoredTable[]> {
  requireRestorable(dump);
  const [file] = dump.files;
  if (file === undefined || file.path === null) throw usageError("a restore needs a file");
  const progress = terminal.startProgress("restoring");
  try {
    const restored = await restoreDump(file.path, dump.tables, {
      signal: host.interrupt,
      onBytes: showBytes(progress, file.bytes),
    });
    terminal.clearProgress();
    const { tables } = restored;
    acceptRestored(restored, { terminal, consistency: dump.consistency });
    const rows = tables.map((table) => [table.name, formatCount(table.expectedRows)]);
    terminal.noteTable(["TABLE", "ROWS"], rows);
    terminal.note(
      `restored: row counts match the manifest (${formatNumberOf(tables.length, "table")})`,
    );
    return tables;
  } finally {
    terminal.clearProgress();
  }
}

/**
 * Compares a restored dump with its manifest, and warns about violated rules. Errors: those of `requireRowCounts` and
 * `requireIndexedRows`.
 */
export function acceptRestored(
  { tables, indexes, foreignKeyViolations, brokenRules }: RestoredDump,
  { terminal, consistency }: { terminal: Terminal; consistency: string },
): void {
  requireRowCounts(tables);
  // A live dump's indexes and rows are from different instants.
  if (consistency !== "live") requireIndexedRows(indexes);
  for (const { message } of indexes) terminal.warn(message);
  if (foreignKeyViolations > 0) {
    const verb = foreignKeyViolations === 1 ? "references" : "reference";
    terminal.warn(
      `${formatNumberOf(foreignKeyViolations, "row")} ${verb} a row that is not in the dump`,
    );
  }
  for (const rule of brokenRules) terminal.warn(`${rule}, as in the source`);
}
