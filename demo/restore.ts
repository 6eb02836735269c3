import { createReadStream, rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { setImmediate as nextTurn } from "node:timers/promises";
import { splitScript } from "../src/sqlite/statement-splitter.ts";

const READ_BYTES = 1 << 20;

/**
 * Runs a dump into a new SQLite file, as `sqlite3 new.sqlite < dump.sql` does: foreign keys are
 * not enforced unless the dump says so. Replaces a file of that name. The caller closes the result.
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
    // The file is new and can be made again: nothing is gained by waiting for the disk.
    db.exec("PRAGMA synchronous = OFF");
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    const chunks = createReadStream(dumpPath, { highWaterMark: READ_BYTES });
    let sinceTurn = 0;
    for await (const { bytes } of splitScript(chunks)) {
      db.exec(decoder.decode(bytes));
      sinceTurn += bytes.length;
      if (sinceTurn < READ_BYTES) continue;
      onBytes(chunks.bytesRead);
      await nextTurn(undefined, { signal });
      sinceTurn = 0;
    }
    onBytes(chunks.bytesRead);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}
