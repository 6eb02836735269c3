import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { Readable, Transform } from "node:stream";
import type { DatabaseSync } from "node:sqlite";
import { pipeline } from "node:stream/promises";
import * as zlib from "node:zlib";

import { ExportError } from "../src/api/errors.ts";
import type { Source } from "../src/databases/source.ts";
import { planDump } from "../src/formats/plan-dump.ts";
import { concatBytes } from "../src/lib/bytes.ts";
import { readDump } from "../src/reading/dump-reader.ts";
import { readCatalog } from "../src/reading/read-catalog.ts";
import { readSourceWarnings } from "../src/reading/source-warnings.ts";
import { openLiveReader } from "../src/reading/table-reader.ts";
import { CURSOR_START } from "../src/rpc/cursor.ts";
import { CliError, throwIfInterrupted } from "./cli-error.ts";
import { EXIT } from "./exit-codes.ts";
import { openDatabaseFile } from "./database-file.ts";
import { openNodeSqliteSource } from "./node-sqlite-source.ts";
import { diskError } from "./partial-file.ts";
import { UnusableFile } from "./unusable-file.ts";

/** The dump of a database file. */
export interface FileDump {
  /** The size of the compressed script. */
  bytes: number;
  sha256: string;
  /** The size of the SQL text. */
  textBytes: number;
  rows: number;
  /** Sentences about what the dump lacks, or how the file was read. */
  warnings: string[];
}

/** Returns the suffix of the compression that this Node writes: Zstandard requires Node 22.15. */
export function dumpSuffix(): string {
  return hasZstd() ? ".sql.zst" : ".sql.gz";
}

/**
 * Dumps an SQLite file, as it is at one instant, into a compressed script at `output`, which is replaced. Memory
 * use stays constant. The same database always produces the same bytes. `onText` receives the number of bytes of
 * SQL text so far, and the size of the database. Errors: `file` if the database cannot be read, those of a dump
 * (`value-not-exportable`, …) and of the disk. Throws a usage error if this Node lacks `node:sqlite`.
 */
export async function dumpDatabaseFile(
  path: string,
  output: string,
  {
    signal,
    onText,
  }: { signal: AbortSignal; onText: (bytes: number, databaseBytes: number) => void },
): Promise<FileDump> {
  const file = await openDatabaseFile(path).catch((error: unknown) => {
    throw error instanceof UnusableFile ? unreadable(error.message, error) : error;
  });
  try {
    requireUtf8(path, file.db.prepare("PRAGMA encoding").get()?.["encoding"]);
    const source = openNodeSqliteSource(file.db);
    const found = new Set<string>(file.copied === undefined ? [] : [file.copied]);
    for (const sentence of listHeaderNumbers(file.db)) found.add(sentence);
    const counts = { textBytes: 0, rows: 0, bytes: 0 };
    const hash = createHash("sha256");
    const text = async function* (): AsyncGenerator<Uint8Array> {
      for await (const piece of readPieces(source, found)) {
        throwIfInterrupted(signal);
        counts.textBytes += piece.bytes.length;
        counts.rows += piece.rows;
        onText(counts.textBytes, file.bytes);
        yield piece.bytes;
      }
    };
    const hashing = new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        hash.update(chunk);
        counts.bytes += chunk.length;
        done(null, chunk);
      },
    });
    const compress = hasZstd() ? zlib.createZstdCompress() : zlib.createGzip();
    await pipeline(Readable.from(text()), compress, hashing, createWriteStream(output));
    return { ...counts, sha256: hash.digest("hex"), warnings: [...found] };
  } catch (error) {
    throw toCliError(error, path, output);
  } finally {
    file.close();
  }
}

/** Numbers that programs store in a file's header, outside its tables. */
function listHeaderNumbers(db: DatabaseSync): string[] {
  return ["user_version", "application_id"].flatMap((name) => {
    const value = Number(db.prepare(`PRAGMA ${name}`).get()?.[name]);
    return value === 0 ? [] : [`${name} ${value} is not restored: no dump contains it`];
  });
}

function hasZstd(): boolean {
  return typeof zlib.createZstdCompress === "function";
}

/** A dump contains the texts' bytes, and D1 and Durable Objects store only UTF-8. */
function requireUtf8(path: string, encoding: unknown): void {
  if (encoding === "UTF-8") return;
  throw new CliError(
    "file",
    `${path} cannot be dumped: its text is ${String(encoding)}, not UTF-8`,
    {
      exitCode: EXIT.failed,
      hint: "Make a script with `sqlite3 FILE .dump`, and restore that.",
    },
  );
}

async function* readPieces(
  source: Source,
  found: Set<string>,
): AsyncGenerator<{ bytes: Uint8Array; rows: number }> {
  const catalog = await readCatalog(source);
  const { plan, createEncoder } = planDump(
    { source: "main", format: "sql", content: "all" },
    catalog,
  );
  const warnings = [
    ...plan.warnings,
    ...(await readSourceWarnings(source, plan, { isFrozen: true })),
  ];
  for (const warning of warnings) found.add(warning);
  const reader = openLiveReader(source);
  for await (const piece of readDump({ reader, plan, createEncoder, cursor: CURSOR_START })) {
    for (const warning of piece.warnings) found.add(warning);
    const bytes = concatBytes(piece.bytes);
    piece.release();
    if (bytes.length > 0) yield { bytes, rows: piece.rows };
  }
}

function unreadable(message: string, cause: unknown): CliError {
  return new CliError("file", message, { exitCode: EXIT.failed, cause });
}

function toCliError(error: unknown, path: string, output: string): unknown {
  if (error instanceof CliError) return error;
  if (error instanceof ExportError) {
    return new CliError({ ofWorker: error.code }, `${path} cannot be dumped: ${error.message}`, {
      exitCode: EXIT.failed,
      cause: error,
    });
  }
  if (error instanceof Error && "code" in error && error.code === "ERR_SQLITE_ERROR") {
    return unreadable(`${path} cannot be dumped: ${error.message}`, error);
  }
  return diskError(error, output, false);
}
