import { constants, existsSync, realpathSync, rmSync, statSync } from "node:fs";
import { chmod, copyFile, mkdtemp, open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { DatabaseSync } from "node:sqlite";

import { formatBytes } from "./format.ts";
import { importSqlite } from "./import-sqlite.ts";
import { toUnusableFile, UnusableFile } from "./unusable-file.ts";

/** How long SQLite waits for another program's lock. */
const LOCK_TIMEOUT_MS = 2_000;
const COPY_ATTEMPTS_MAX = 3;

/** https://www.sqlite.org/fileformat.html#the_database_header */
const HEADER_BYTES = 100;
const HEADER_TEXT = "SQLite format 3\0";
const READ_VERSION_OFFSET = 19;
const WAL_VERSION = 2;
/** The payload fractions of every database. A StarbaseDB dump has SQL there, after the same header text. */
const FRACTIONS_OFFSET = 21;
const FRACTIONS = [64, 32, 32];

/** The file itself, and the files in which SQLite keeps changes that it has not written into it. */
const SUFFIXES = ["", "-wal", "-journal"];

/** A database that is open for reading. */
export interface DatabaseFile {
  db: DatabaseSync;
  /** The size of the file itself, without the files that SQLite keeps next to it. */
  bytes: number;
  /** A sentence that explains why a copy was opened; undefined if the file itself was. */
  copied: string | undefined;
  /** Closes the database and removes the copy. May be called again. */
  close: () => void;
}

/**
 * Opens a database file without changing the file or its folder. SQLite writes into a file with a hot journal, and
 * next to a file in WAL mode, so it opens a copy of those in the system's temporary folder. Throws `UnusableFile`
 * if the file does not exist, is not a database, or is being written by another program. Throws a usage error if
 * this Node lacks `node:sqlite`.
 */
export async function openDatabaseFile(path: string): Promise<DatabaseFile> {
  const { DatabaseSync } = await importSqlite(path);
  const openDatabase = (file: string, { readOnly }: { readOnly: boolean }): DatabaseSync =>
    new DatabaseSync(file, {
      readOnly,
      timeout: LOCK_TIMEOUT_MS,
      enableForeignKeyConstraints: false,
      enableDoubleQuotedStringLiterals: true,
    });
  try {
    const file = resolveFile(path);
    const bytes = statSync(file).size;
    const copied = await findReasonToCopy(path, file);
    if (copied === undefined) {
      const db = openDatabase(file, { readOnly: true });
      return { db, bytes, copied, close: () => closeDatabase(db) };
    }
    const copy = await copyDatabase(path, file);
    // Not read-only: SQLite applies a journal at the first read.
    const db = openDatabase(copy.file, { readOnly: false });
    const close = () => {
      closeDatabase(db);
      copy.remove();
    };
    return { db, bytes, copied, close };
  } catch (error) {
    throw toUnusableFile(path, error);
  }
}

/** Resolves symbolic links: SQLite keeps journals next to the target. */
function resolveFile(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) throw new UnusableFile(`${path} does not exist`);
  if (!stat.isFile()) throw new UnusableFile(`${path} is not a file`);
  return realpathSync(path);
}

async function findReasonToCopy(path: string, file: string): Promise<string | undefined> {
  const header = await readHead(file);
  // SQLite opens an empty file as an empty database.
  if (header.length > 0 && !header.toString("latin1").startsWith(HEADER_TEXT)) {
    throw new UnusableFile(`${path} is not an SQLite database (or it is encrypted)`);
  }
  const name = basename(file);
  // A finished journal starts with zeros instead of the magic number.
  const journal = `${file}-journal`;
  if (existsSync(journal) && ((await readHead(journal))[0] ?? 0) !== 0) {
    return `${name}-journal contains an unfinished transaction: a copy is read without it`;
  }
  const wal = statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  if (wal > 0)
    return `${name}-wal contains ${formatBytes(wal)} of changes: a copy that includes them is read`;
  if (header[READ_VERSION_OFFSET] !== WAL_VERSION) return undefined;
  return "the file is in WAL mode, and SQLite would write next to it: a copy is read";
}

/** Reports whether a file is a database. `head` is what `readHead` returns. */
export function isDatabase(head: Buffer): boolean {
  return (
    head.toString("latin1").startsWith(HEADER_TEXT) &&
    FRACTIONS.every((value, at) => head[FRACTIONS_OFFSET + at] === value)
  );
}

/** Returns the first 100 bytes of a file, or fewer if it is shorter. */
export async function readHead(path: string): Promise<Buffer> {
  const file = await open(path, "r");
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

function closeDatabase(db: DatabaseSync): void {
  if (db.isOpen) db.close();
}

/** Copies a file with its journals, all as of one moment. */
async function copyDatabase(
  path: string,
  file: string,
): Promise<{ file: string; remove: () => void }> {
  const folder = await mkdtemp(join(tmpdir(), "durable-export-source-"));
  const remove = () => {
    rmSync(folder, { recursive: true, force: true });
    process.removeListener("exit", remove);
  };
  process.once("exit", remove);
  const copy = join(folder, basename(file));
  try {
    for (let attempt = 1; attempt <= COPY_ATTEMPTS_MAX; attempt += 1) {
      if (await copyUnchanged(file, copy)) return { file: copy, remove };
    }
    throw new UnusableFile(
      `${path} changes while it is copied: stop the program that writes it, or use a backup ` +
        `(sqlite3 ${basename(file)} ".backup copy.sqlite")`,
    );
  } catch (error) {
    remove();
    throw error;
  }
}

/** False if the file or a journal changed in the meantime, so the copies may not match. */
async function copyUnchanged(file: string, copy: string): Promise<boolean> {
  const before = describeState(file);
  for (const suffix of SUFFIXES) {
    rmSync(copy + suffix, { force: true });
    try {
      // Free of cost if the file system can share blocks.
      await copyFile(file + suffix, copy + suffix, constants.COPYFILE_FICLONE);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") continue;
      throw error;
    }
    await chmod(copy + suffix, 0o600);
  }
  return describeState(file) === before;
}

/** Changes with every write to the file or its journals. */
function describeState(file: string): string {
  const states = SUFFIXES.map((suffix) => {
    const stat = statSync(file + suffix, { throwIfNoEntry: false, bigint: true });
    return stat === undefined ? "none" : `${stat.ino} ${stat.size} ${stat.mtimeNs}`;
  });
  return states.join(", ");
}
