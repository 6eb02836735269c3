import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import type { Readable } from "node:stream";

import type { Compression } from "../src/api/export-request.ts";
import { detectCompression } from "../src/loading/inflate.ts";
import { CliError, Interrupted, usageError } from "./cli-error.ts";
import { isDatabase } from "./database-file.ts";
import { dumpDatabaseFile, dumpSuffix } from "./dump-database.ts";
import { EXIT } from "./exit-codes.ts";
import { formatBytes } from "./format.ts";
import type { Host } from "./host.ts";
import { diskError } from "./partial-file.ts";
import { readScriptHead } from "./read-script-file.ts";
import { TemporaryFolder } from "./temporary-folder.ts";
import type { Terminal } from "./terminal.ts";
import { unsealFile } from "./unseal-file.ts";

/** A script that can be read any number of times. */
export interface ScriptInput {
  /** The name that the user typed, or `standard input`. */
  shown: string;
  /** The file to read: the named file, or a temporary one. */
  path: string;
  /** The name that the Worker shows. */
  name: string;
  bytes: number;
  compression: Compression;
  /** Set if the script is this program's dump of a database file. */
  dump: { sha256: string; textBytes: number; rows: number; warnings: string[] } | undefined;
  /** Identifies an upload to resume, in addition to the content: path, size and time of the named file. */
  identity: { path: string; bytes: number; mtimeMs: number };
  /** Removes temporary files. May be called again. */
  close: () => Promise<void>;
}

interface OpenOptions {
  terminal: Terminal;
  /** Undefined if there is no standard input. */
  stdin: Host["stdin"];
  signal: AbortSignal;
  /** The file with the private keys that open a script sealed by age. */
  identityFile?: string | undefined;
  /** Runs before a database is dumped, which may take minutes. If it throws, the command ends. */
  beforeDump?: (() => Promise<unknown>) | undefined;
}

/**
 * Opens the argument of `restore FILE`: a script, `-` for standard input, or an SQLite database, which is dumped
 * into a temporary file, as is a script that age has sealed. The first bytes decide which it is. Errors: those of
 * `unsealFile`, `file` if it is missing, is not a file, or
 * cannot be read; those of `dumpDatabaseFile`. Throws a usage error if it is empty.
 */
export async function openScript(file: string, options: OpenOptions): Promise<ScriptInput> {
  const temporary = new TemporaryFolder();
  const close = async () => temporary.remove();
  try {
    const isStdin = file === "-";
    const named = isStdin ? await spool(options, temporary) : file;
    const shown = isStdin ? "standard input" : file;
    const { mtimeMs } = await statFile(named, shown);
    const { identityFile, signal } = options;
    const path = await unsealFile(named, { shown, identityFile, temporary, signal });
    const { bytes } = await statFile(path, shown);
    const head = await readScriptHead(path, shown);
    const identity = isStdin
      ? { path: "-", bytes, mtimeMs: 0 }
      : { path: resolve(named), bytes, mtimeMs };
    if (isDatabase(head)) {
      await options.beforeDump?.();
      return await dumpFile(path, { ...options, shown, identity, temporary });
    }
    const name = isStdin ? "stdin.sql" : basename(path);
    const compression = detectCompression(head);
    return { shown, path, name, bytes, compression, dump: undefined, identity, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function statFile(path: string, shown: string): Promise<{ bytes: number; mtimeMs: number }> {
  const found = await stat(path).catch((error: unknown) => {
    throw diskError(error, shown);
  });
  if (!found.isFile()) {
    const what = found.isDirectory() ? "it is a folder" : "it is not a file";
    throw new CliError("file", `${shown}: ${what}`, {
      exitCode: EXIT.failed,
      hint: "Name one SQL script or database file, or pipe a script into `restore -`.",
    });
  }
  if (found.size === 0) throw usageError(`${shown} is empty: there is nothing to restore`);
  return { bytes: found.size, mtimeMs: found.mtimeMs };
}

/** Standard input can be read only once, but a script is read twice: for the check, and for the upload. */
async function spool(
  { terminal, stdin, signal }: OpenOptions,
  temporary: TemporaryFolder,
): Promise<string> {
  if (stdin === undefined || stdin.isTTY === true) {
    throw usageError(
      stdin === undefined ? "there is no standard input" : "standard input is a terminal",
      "Pipe a script into it: `sqlite3 app.db .dump | npx durable-export restore -`.",
    );
  }
  const path = join(await temporary.open(), "stdin.sql");
  const progress = terminal.startProgress("reading");
  const output = createWriteStream(path);
  const failed = new Promise<never>((_, reject) => {
    output.once("error", (error) => reject(diskError(error, path, false)));
  });
  failed.catch(() => undefined);
  let bytes = 0;
  try {
    for await (const chunk of iterate(stdin, signal)) {
      bytes += chunk.length;
      progress.update(null, [formatBytes(bytes)]);
      if (!output.write(chunk)) {
        await Promise.race([once(output, "drain"), failed]);
      }
    }
    await Promise.race([new Promise<void>((done) => output.end(done)), failed]);
  } finally {
    output.destroy();
    terminal.clearProgress();
  }
  return path;
}

async function* iterate(stdin: Readable, signal: AbortSignal): AsyncGenerator<Buffer> {
  const stop = () => stdin.destroy(new Interrupted());
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop, { once: true });
  try {
    for await (const chunk of stdin as AsyncIterable<Buffer | string>) yield Buffer.from(chunk);
  } catch (error) {
    throw diskError(error, "standard input", false);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

async function dumpFile(
  path: string,
  options: OpenOptions & {
    shown: string;
    identity: ScriptInput["identity"];
    temporary: TemporaryFolder;
  },
): Promise<ScriptInput> {
  const { terminal, signal, shown, identity, temporary } = options;
  const name = `${basename(path).replace(/\.(?:sqlite3?|db3?)$/i, "")}${dumpSuffix()}`;
  const output = join(await temporary.open(), "dump");
  const progress = terminal.startProgress("dumping");
  try {
    const { bytes, ...dump } = await dumpDatabaseFile(path, output, {
      signal,
      onText: (textBytes, databaseBytes) => {
        progress.update(null, [
          `${formatBytes(textBytes)} of SQL text`,
          `database ${formatBytes(databaseBytes)}`,
        ]);
      },
    });
    terminal.clearProgress();
    for (const warning of dump.warnings) terminal.warn(warning);
    const compression = detectCompression(await readScriptHead(output, output));
    const close = async () => temporary.remove();
    return { shown, path: output, name, bytes, compression, dump, identity, close };
  } finally {
    terminal.clearProgress();
  }
}
