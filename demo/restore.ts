import { createReadStream, rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { runScript } from "../cli/run-script.ts";
import { splitScript } from "../src/sqlite/statement-splitter.ts";

const READ_BYTES = 1 << 20;

/**
 * Runs a dump into a new SQLite file, as `sqlite3 new.sqlite < dump.sql` does. Foreign keys are not
 * enforced unless the dump enables them. CHECK is not enforced either, because older rows may
 * violate it; the job's warnings name their tables. Replaces any existing file. The caller closes
 * the result.
 */
export async function restoreDump(
  { dumpPath, databasePath }: { dumpPath: string; databasePath: string },
  { onBytes, signal }: { onBytes: (bytes: number) => void; signal: AbortSignal },
): Promise<DatabaseSync> {
  for (const suffix of ["", "-journal", "-wal", "-shm"])
    rmSync(databasePath + suffix, { force: true });
  const db = new DatabaseSync(databasePath, {
    enableForeignKeyConstraints: false,
    enableDoubleQuotedStringLiterals: true,
  });
  try {
    // The file is new and can be recreated: waiting for the disk has no benefit.
    db.exec("PRAGMA synchronous = OFF");
    db.exec("PRAGMA ignore_check_constraints = ON");
    const chunks = createReadStream(dumpPath, { highWaterMark: READ_BYTES });
    const onStatement = (): boolean => {
      onBytes(chunks.bytesRead);
      return true;
    };
    await runScript(db, splitScript(chunks), { onStatement, signal });
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}
