import { createReadStream } from "node:fs";
import * as zlib from "node:zlib";

import type { Compression } from "../src/api/export-request.ts";
import { ExportError } from "../src/api/errors.ts";
import { inflate } from "../src/loading/inflate.ts";
import { readScriptText, requireText } from "../src/loading/script-text.ts";
import { CliError, throwIfInterrupted, usageError } from "./cli-error.ts";
import { readHead } from "./database-file.ts";
import { EXIT } from "./exit-codes.ts";
import { diskError } from "./partial-file.ts";

const READ_BYTES = 1024 * 1024;

/** A script on disk. */
export interface ScriptFile {
  /** Its name in messages. */
  shown: string;
  path: string;
  compression: Compression;
}

/**
 * Reads a script's text. `onChunk` receives each stored piece of the file. Errors: `script-invalid` if its
 * compression is damaged or it is binary, `file` for disk errors, `Interrupted`. Throws a usage error if this Node
 * cannot read the compression.
 */
export async function* readScriptFile(
  { shown, path, compression }: ScriptFile,
  { signal, onChunk }: { signal: AbortSignal; onChunk: (chunk: Uint8Array) => void },
): AsyncGenerator<Uint8Array> {
  requireInflatable(shown, compression);
  const chunks = async function* (): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of createReadStream(path, { highWaterMark: READ_BYTES })) {
        throwIfInterrupted(signal);
        onChunk(chunk as Buffer);
        yield chunk as Buffer;
      }
    } catch (error) {
      throw diskError(error, shown);
    }
  };
  try {
    yield* readScriptText(requireText(inflate(chunks(), compression)));
  } catch (error) {
    throw toScriptError(error, shown);
  }
}

/** Returns the error to throw for a problem with the script at `shown`, as a line that names the file. */
export function toScriptError(error: unknown, shown: string): unknown {
  // A stream's error may wrap the error that destroyed the stream.
  const known = error instanceof Error && error.cause instanceof CliError ? error.cause : error;
  if (!(known instanceof ExportError)) return known;
  return new CliError({ ofWorker: known.code }, `${shown}: ${known.message}`, {
    exitCode: EXIT.failed,
    hint: "Nothing was changed. Check how the file was made and transferred.",
    cause: known,
  });
}

/** Returns the first bytes of a file, for `isDatabase` and `detectCompression`. Errors: `file` for disk errors. */
export async function readScriptHead(path: string, shown: string): Promise<Buffer> {
  try {
    return await readHead(path);
  } catch (error) {
    throw diskError(error, shown);
  }
}

/** Errors: a usage error if this Node cannot read the compression. */
export function requireInflatable(shown: string, compression: Compression): void {
  const { createZstdDecompress } = zlib as { createZstdDecompress?: unknown };
  if (compression !== "zstd" || typeof createZstdDecompress === "function") return;
  throw usageError(
    `${shown} is compressed with Zstandard, which Node ${process.version} cannot read`,
    "Use Node 22.15 or newer, or unpack the file with zstd first.",
  );
}
